import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

export type Part = { readonly files: number; readonly chains: number };
/** How large an application is. */
export type Shape = { readonly app: Part; readonly functions: Part };

const tables = Array.from({ length: 40 }, (_, index) =>
  index < 3 ? (["leads", "campaigns", "call_logs"][index] ?? "") : `records_${index}`,
);
const columns = ["phone", "name", "status", "note", "user_id", "created_at", "score", "city"];

/**
 * Writes an application of this shape: hooks and components, edge functions with a client that is made
 * there or handed over, in the forms that real code has, on supabase-js with the database's types.
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
    "supabase/functions/_shared/client.ts": serviceClient,
  };
  for (let index = 0; index < app.files - 3; index += 1)
    files[`src/features/part-${index % 20}/use-${index}.tsx`] = hook(
      index,
      share(app.chains, app.files - 3, index),
    );
  for (let index = 0; index < functions.files - 1; index += 1)
    files[`supabase/functions/function-${index}/index.ts`] = edgeFunction(
      index,
      share(functions.chains, functions.files - 1, index),
    );
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** How many of all come to one of several, so that none is lost. */
function share(all: number, among: number, index: number): number {
  return Math.floor(((index + 1) * all) / among) - Math.floor((index * all) / among);
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

const serviceClient = `import { createClient, type SupabaseClient } from "@supabase/supabase-js";

declare const Deno: { readonly env: { get(name: string): string } };

export const admin = () => createClient(Deno.env.get("SUPABASE_URL"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
export type Client = SupabaseClient;
`;

/** One query, in one of the forms that real code has. */
function chain(index: number, on: string): string {
  const table = tables[(index * 7) % tables.length];
  const forms = [
    `await ${on}\n    .from("${table}")\n    .select("*")\n    .eq("status", "new")\n    .order("created_at", { ascending: false });`,
    `await ${on}\n    .from("${table}")\n    .select("id, name, phone")\n    .eq("id", id)\n    .maybeSingle();`,
    `await ${on}.from("${table}").update({ status: "done" }).eq("id", id);`,
    `await ${on}\n    .from("${table}")\n    .insert({\n      phone: id,\n      name: "${index}",\n    });`,
    `await ${on}\n    .from("${table}")\n    .insert([id].map((phone) => ({ phone, status: "new" })));`,
    `await ${on}.from("${table}").delete().eq("id", id);`,
    `await ${on}\n    .from("${table}")\n    .select("id", { count: "exact", head: true })\n    .gte("created_at", id);`,
    `await ${on}\n    .from("leads")\n    .upsert({ phone: id, name: "${index}" }, { onConflict: "phone" });`,
  ];
  return `  ${forms[index % forms.length]}`;
}

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

function edgeFunction(index: number, chains: number): string {
  const half = Math.ceil(chains / 2);
  const own = Array.from({ length: half }, (_, one) => chain(index * 5 + one, "supabase"));
  const handed = Array.from({ length: chains - half }, (_, one) =>
    chain(index * 11 + one, "client"),
  );
  return `import { admin, type Client } from "../_shared/client.ts";

declare const Deno: { serve(handler: (request: Request) => Promise<Response>): void };

async function work(client: Client, organizationId: string, id: string) {
${handed.join("\n")}
  return organizationId;
}

async function handle(organizationId: string, id: string) {
  const supabase = admin();
${own.join("\n")}
  return work(supabase, organizationId, id);
}

Deno.serve(async (request) => new Response(await handle("mine", request.url)));
`;
}
