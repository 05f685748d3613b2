import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { invalidConfiguration } from "./faults.ts";
import { configSchema, defineConfig } from "./schema.ts";
import { type Fault, type Settings, settingsFrom } from "./settings.ts";

const fileNames = ["ts", "mts", "js", "mjs", "json", "yaml", "yml"].map(
  (extension) => `tenantry.config.${extension}`,
);

/**
 * Finds and reads the configuration.
 * @param folder the folder in which `tenantry.config.*` is searched
 * @param file a file named on the command line, which is read instead
 * @throws AppError CONFIG_NOT_FOUND, or CONFIG_INVALID with every fault
 */
export async function loadSettings(
  folder: string,
  file: string | undefined,
): Promise<{ settings: Settings; folder: string; file: string }> {
  const found = file === undefined ? findFile(folder) : path.resolve(folder, file);
  if (found === undefined || !existsSync(found) || statSync(found).isDirectory()) {
    throw new AppError({
      code: "CONFIG_NOT_FOUND",
      object: found ?? path.join(folder, "tenantry.config.ts"),
      fault: "no configuration found",
      state: "nothing was read or changed",
      next: "create tenantry.config.ts (docs/configuration.md has an example), or name a file with --config",
    });
  }
  return {
    settings: parseSettings(await readConfig(found), found),
    folder: path.dirname(found),
    file: found,
  };
}

/**
 * The same for commands that need the journal only: if the configuration cannot be read and no file
 * was named, its defaults, with the error.
 */
export async function loadSettingsOrDefaults(
  folder: string,
  file: string | undefined,
): Promise<{ settings: Settings; folder: string; file: string; unread?: AppError }> {
  try {
    return await loadSettings(folder, file);
  } catch (error) {
    if (file !== undefined || !(error instanceof AppError)) throw error;
    const none = { users: { owners: "FALSE" }, day1: { tables: {} }, day2: { tables: {} } };
    const settings = parseSettings(none, "no configuration");
    return { settings, folder, file: error.object, unread: error };
  }
}

function findFile(folder: string): string | undefined {
  return fileNames
    .map((name) => path.join(folder, name))
    .find((candidate) => existsSync(candidate));
}

async function readConfig(file: string): Promise<unknown> {
  try {
    switch (path.extname(file)) {
      case ".json":
        return JSON.parse(await readFile(file, "utf8"));
      case ".yaml":
      case ".yml":
        return await parseYaml(await readFile(file, "utf8"));
      default: {
        // A configuration can import "tenantry" even if the package is not installed in its folder.
        const { createJiti } = await import("jiti");
        const jiti = createJiti(import.meta.url, {
          fsCache: false,
          virtualModules: { tenantry: { defineConfig } },
        });
        return await jiti.import(file, { default: true });
      }
    }
  } catch (error) {
    throw new AppError({
      code: "CONFIG_INVALID",
      object: file,
      fault: `cannot be read: ${withoutRequireStack(messageOf(error))}`,
      state: "nothing was changed",
      next: "fix the file",
      cause: error,
    });
  }
}

/** For the parser an unknown tag is a warning; here it is an error, because its value would be wrong. */
async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw fault;
  return document.toJS();
}

/** Without the modules that import the missing one: they belong to Tenantry. */
function withoutRequireStack(message: string): string {
  return message.replace(/\nRequire stack:[\s\S]*$/, "");
}

/**
 * Checks a configuration.
 * @throws AppError CONFIG_INVALID with every fault, its path and its fix
 */
export function parseSettings(config: unknown, origin: string): Settings {
  const parsed = configSchema.safeParse(config);
  const result = parsed.success
    ? settingsFrom(parsed.data)
    : { faults: parsed.error.issues.flatMap((issue) => faultsOf(issue)) };
  if ("settings" in result) return result.settings;
  throw invalidConfiguration(origin, result.faults);
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map(String).join(".") || "(the configuration)";
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path.map(String), key].join("."),
      fault: "unknown setting",
      fix: suggestion(key, issue.path),
    }));
  }
  if (issue.code === "invalid_union" && issue.path.includes("tables")) {
    // The source is valid; only an option of the table is not.
    const optionFaults = issue.errors.find(
      (faults) => faults.length > 0 && faults.every(({ path: [key] }) => isTableOption(key)),
    );
    if (optionFaults !== undefined)
      return optionFaults.flatMap((one) =>
        faultsOf({ ...one, path: [...issue.path, ...one.path] }),
      );
    return [
      {
        path,
        fault: "has no valid source",
        fix: 'write "default", { via: "column" }, { user: "column" } or { sql: "expression" }; options: access, unattributed',
      },
    ];
  }
  return [{ path, fault: issue.message, fix: "see docs/configuration.md" }];
}

function isTableOption(key: PropertyKey | undefined): boolean {
  return key === "access" || key === "unattributed";
}

function suggestion(key: string, parent: readonly PropertyKey[]): string {
  const known = knownKeys(parent);
  return known.length === 0 ? "remove it" : `did you mean ${closest(key, known)}?`;
}

const shapeSchema = z.object({ properties: z.record(z.string(), z.unknown()) });

/** The keys that the schema has below a path. */
function knownKeys(parent: readonly PropertyKey[]): string[] {
  let shape: unknown = z.toJSONSchema(configSchema, { io: "input" });
  for (const key of parent) shape = shapeSchema.safeParse(shape).data?.properties[String(key)];
  return Object.keys(shapeSchema.safeParse(shape).data?.properties ?? {});
}
