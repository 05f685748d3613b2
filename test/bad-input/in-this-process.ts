import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { main } from "../../src/cli/main.ts";
import { type ErrorCode, errorCodes } from "../../src/errors.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { Outcome } from "../setup/project.ts";

/** The variables that say where a database is; a case has none but those that it names. */
const variables = [
  "DATABASE_URL",
  "PGHOST",
  "PGPORT",
  "PGUSER",
  "PGDATABASE",
  "PGPASSWORD",
  "PGSSLMODE",
  "PGOPTIONS",
];

/** Runs the program's own `main` in this process: a tenth of the time that another process takes. */
export async function tenantryIn(
  folder: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  const listen = (stream: "stdout" | "stderr") =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
      written[stream] += chunk.toString();
      return true;
    });
  const before = { folder: process.cwd(), environment: { ...process.env } };
  for (const name of variables) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(folder);
  const listeners = [listen("stdout"), listen("stderr")];
  try {
    const code = await main(args);
    return { code, stdout: plainText(written.stdout), stderr: plainText(written.stderr) };
  } finally {
    for (const listener of listeners) listener.mockRestore();
    process.chdir(before.folder);
    for (const name of variables) {
      const value = before.environment[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** Without colours, which depend on where the tests run. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
  return text.replaceAll(/\u001b\[\d+m/g, "");
}

/** A folder with these files, which goes with the test. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-bad-input-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

export type Refusal = {
  readonly code: ErrorCode;
  readonly object: string;
  readonly fault: string;
  readonly state: string;
  readonly next: string;
  readonly details: string;
};

const refusalPattern =
  /^✘ (?<object>[\s\S]*?): (?<fault>[\s\S]+?) {2}(?<code>[A-Z_]+)\n(?<details>[\s\S]*?) {2}now: {2}(?<state>.+)\n {2}next: (?<next>.+)(?:\n|$)/m;

const partsSchema = z.object({
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  object: z.string().min(1),
  fault: z.string().min(3),
  state: z.string().min(5),
  next: z.string().min(5),
  details: z.string(),
});

/** What a command was refused with: whole, ours, with its own exit code, and without a stack trace. */
export function refusalOf(outcome: Outcome): Refusal {
  const shown = `${outcome.stdout}${outcome.stderr}`;
  const parts = partsSchema.safeParse(refusalPattern.exec(outcome.stderr)?.groups);
  if (!parts.success) throw new Error(`exit code ${outcome.code}, and no refusal:\n${shown}`);
  expect(shown).not.toMatch(/^\s+at .*(\d+:\d+|node:)/m);
  expect(shown).not.toMatch(/\[object Object\]|undefined: |ZodError|TypeError|RangeError/);
  expect([parts.data.code, outcome.code]).toEqual([parts.data.code, errorCodes[parts.data.code]]);
  return parts.data;
}

/** Every file under a folder with a digest of what is in it; logs are no part of a project. */
export async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const described = entries.map(async (entry): Promise<[string, string]> => {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file);
    if (entry.isDirectory()) return [name, "folder"];
    if (entry.isSymbolicLink()) return [name, `to ${await readlink(file)}`];
    return [
      name,
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    ];
  });
  const all = await Promise.all(described);
  return Object.fromEntries(all.filter(([name]) => !name.startsWith(".tenantry")).sort());
}

/** All that a database holds: its schema's fingerprint, and a digest of every table's rows. */
export async function contentOf(session: Session): Promise<Record<string, string>> {
  const { fingerprint } = await readSnapshot(session);
  const content: Record<string, string> = { fingerprint: fingerprint.digest };
  const tables = await session.rows(
    sql`
      SELECT schemaname::text AS schema,
             tablename::text AS name
        FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
       ORDER BY 1, 2
    `,
    z.object({ schema: z.string(), name: z.string() }),
  );
  for (const { schema, name } of tables) {
    // Whoever is refused by the journal's lease or after it has had the lease for a moment.
    if (schema === "tenantry" && name === "lease") continue;
    const [row] = await session.rows(
      sql`
        SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), 'empty') AS digest
          FROM ${ident({ schema, name })} AS t
      `,
      z.object({ digest: z.string() }),
    );
    content[`${schema}.${name}`] = row?.digest ?? "";
  }
  return content;
}
