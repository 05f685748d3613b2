import { fileURLToPath } from "node:url";
import { type Inventory, takeInventory } from "../../src/code/queries/inventory.ts";
import { openProject, type Project } from "../../src/code/reading/project.ts";
import { type Rewriting, rewriteCode } from "../../src/code/rewrite/rewrite.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Settings } from "../../src/config/settings.ts";

export const corpusFolder = fileURLToPath(new URL("corpus", import.meta.url));

const hook = { name: "useOrganization", from: "@/organization" };

export const corpusConfig = {
  users: { owners: "TRUE" },
  day1: { tables: { leads: "default", campaigns: "default", call_logs: { via: "lead_id" } } },
  day2: { tables: { sms_messages: "default" } },
  sharedTables: { area_codes: "the same for every customer" },
  exemptTables: { schema_migrations: "the application's own bookkeeping" },
  code: {
    app: { hook },
    functions: { caller: { from: "supabase/functions/_shared/organization.ts" } },
    lookups: { campaigns: ["phone_number"], sms_messages: ["provider_id"] },
    uniquePerOrganization: { leads: ["phone", "user_id, name"] },
    sharedKeys: ["theme"],
  },
} satisfies Config;

export function corpusSettings(code: Config["code"] = corpusConfig.code): Settings {
  return parseSettings({ ...corpusConfig, code }, "the corpus");
}

/** The rewrite of a project, and the inventory after it. */
export function rewritten(project: Project): {
  readonly rewriting: Rewriting;
  readonly after: Inventory;
} {
  const rewriting = rewriteCode(takeInventory(project));
  const texts = new Map(rewriting.files.map(({ path, after }) => [path, after]));
  return { rewriting, after: takeInventory(project.withTexts(texts)) };
}

export function openCorpus(settings = corpusSettings()): Project {
  return openProject(settings, corpusFolder);
}
