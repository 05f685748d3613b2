import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { edgeFunctions } from "./edge-functions.ts";
import { type ApplicationPart, chain, share, tables } from "./queries.ts";

/** The size of an application. */
export type Shape = { readonly app: ApplicationPart; readonly functions: ApplicationPart };

const columns = ["phone", "name", "status", "note", "user_id", "created_at", "score", "city"];

/**
 * Writes an application of this size: hooks and components, and edge functions whose client is created there
 * or passed to them, also in circles. It has the forms of real code, on supabase-js with the database's types.
 */
export async function writeApplication(folder: string, { app, functions }: Shape): Promise<void> {
  const files: Record<string, string> = {
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "ES2022",
        lib: ["ES2023", "DOM", "DOM.Iterable"],
        module: "ESNext",
        moduleResolution: "Bundler",
        jsx: "react-jsx",
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        types: [],
        paths: { "@/*": ["./src/*"] },
      },
    }),
    "tenantry.config.json": JSON.stringify(configuration),
    "src/integrations/types.ts": databaseTypes(),
    "src/integrations/client.ts": client,
    "src/contexts/organization.ts": organization,
  };
  for (let index = 0; index < app.files - 3; index += 1)
    files[`src/features/part-${index % 20}/use-${index}.tsx`] = hook(
      index,
      share(app.chains, app.files - 3, index),
    );
  Object.assign(files, edgeFunctions(functions));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const configuration = {
  users: { owners: "TRUE" },
  day1: { tables: Object.fromEntries(tables.slice(0, 3).map((name) => [name, "default"])) },
  day2: { tables: Object.fromEntries(tables.slice(3, 30).map((name) => [name, "default"])) },
  sharedTables: Object.fromEntries(tables.slice(30).map((name) => [name, "the same for all"])),
  code: {
    app: { hook: { name: "useOrganization", from: "@/contexts/organization" } },
    lookups: { campaigns: ["phone"] },
    uniquePerOrganization: { leads: ["phone"] },
  },
};

function databaseTypes(): string {
  const row = (optional: string) =>
    `{ id${optional}: string; organization_id${optional}: string; ${columns.map((name) => `${name}${optional}: string | null`).join("; ")} }`;
  const all = tables.map(
    (name) =>
      `      ${name}: { Row: ${row("")}; Insert: ${row("?")}; Update: ${row("?")}; Relationships: [] };`,
  );
  return `export type Database = {\n  public: {\n    Tables: {\n${all.join("\n")}\n    };\n    Views: Record<never, never>;\n    Functions: Record<never, never>;\n  };\n};\n`;
}

const client = `import { createClient } from "@supabase/supabase-js";
import type { Database } from "./types";

declare const environment: { readonly VITE_SUPABASE_URL: string; readonly VITE_SUPABASE_ANON_KEY: string };

export const supabase = createClient<Database>(environment.VITE_SUPABASE_URL, environment.VITE_SUPABASE_ANON_KEY);
`;

const organization = `import { createContext, useContext } from "react";

const OrganizationContext = createContext({ organizationId: "" });

export const useOrganization = () => useContext(OrganizationContext);
`;

function hook(index: number, chains: number): string {
  const queries = Array.from({ length: chains }, (_, one) => chain(index * 3 + one, "supabase"));
  const padding = Array.from(
    { length: 60 },
    (_, line) => `  const value${line} = rows.length > ${line} ? \`\${title} ${line}\` : title;`,
  );
  const used = padding
    .map((_, line) => `      <li title={value${line}}>{value${line}}</li>`)
    .join("\n");
  const load =
    chains === 0
      ? ""
      : `  const load = useCallback(async (id: string) => {\n${queries.map((one) => one.replaceAll(/^/gm, "  ")).join("\n")}\n  }, []);\n  useEffect(() => {\n    void load("1");\n  }, [load]);\n`;
  return `import { useCallback, useEffect, useState } from "react";
${chains === 0 ? "" : 'import { supabase } from "@/integrations/client";\n'}
export function Part${index}({ title }: { title: string }) {
  const [rows, setRows] = useState<string[]>([]);
${padding.join("\n")}
${load}  return (
    <section onClick={() => setRows([...rows, title])}>
      <h2>{title}</h2>
      <ul>
${used}
      </ul>
      ${chains === 0 ? "" : "<button onClick={() => load(title)}>again</button>"}
    </section>
  );
}
`;
}
