import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { onTestFinished } from "vitest";
import { z } from "zod";
import type { CodeFile, Project } from "../../../src/code/reading/project.ts";
import { exampleFolder } from "./postgrest.ts";
import type { Tenant } from "./tenants.ts";

/** How a fixture is run, from its comment. */
export function runOf({ source }: CodeFile): string | undefined {
  return /^\/\/ runs: (.*)$/m.exec(source.text)?.[1];
}

/** Runs a fixture as one organization, which tries to reach another's rows. */
export type Run = (own: string, theirs: string, mine: Tenant, other: Tenant) => Promise<unknown>;

const moduleSchema = z.object({
  run: z.custom<Run>((value) => typeof value === "function", "is no function"),
});

/** Creates all clients of the fixtures, whatever key they name. */
const clientModule = `
import { createClient as create } from "@supabase/supabase-js";

export function createClient() {
  const { url, token } = globalThis.tenantryTest;
  const fetch = (...all) => globalThis.tenantryTest.fetch(...all);
  const given = create(url, token, { global: { fetch }, realtime: { transport: class {} } });
  // PostgREST without Supabase has no URL prefix.
  given.rest.url = url;
  return given;
}
globalThis.Deno = { env: { get: (name) => name }, serve() {} };
`;

/**
 * Writes the files of a project as modules that this process can import, into a new folder.
 * @param name of the folder: a module is loaded once, and the rewritten project needs other modules
 */
export async function compile(
  { files }: Project,
  name: string,
): Promise<(file: CodeFile) => Promise<Run>> {
  const folder = await mkdtemp(path.join(tmpdir(), `tenantry-corpus-${name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(path.join(exampleFolder, "node_modules"), path.join(folder, "node_modules"));
  await writeFile(path.join(folder, "supabase-client.mjs"), clientModule);
  for (const file of files) {
    const to = path.join(folder, moduleOf(file.name));
    await mkdir(path.dirname(to), { recursive: true });
    await writeFile(to, compiled(file));
  }
  return async ({ name: file }) => {
    const loaded: unknown = await import(pathToFileURL(path.join(folder, moduleOf(file))).href);
    return moduleSchema.parse(loaded).run;
  };
}

function moduleOf(name: string): string {
  return name.replace(/\.[jt]sx?$/, ".mjs");
}

function compiled(file: CodeFile): string {
  const { source, name } = file;
  const runs = runOf(file);
  const run =
    runs === undefined
      ? ""
      : `\nexport const run = async (own: any, theirs: any, mine: any, other: any) => ${runs};\n`;
  const { outputText } = ts.transpileModule(`${source.text}${run}`, {
    fileName: name,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      jsx: ts.JsxEmit.React,
    },
  });
  const up = name
    .split("/")
    .slice(1)
    .map(() => "..")
    .join("/");
  return outputText
    .replaceAll("import.meta.env", "({})")
    .replaceAll(
      /(from ["'])(@\/|\.[^"']*\/)([^"']+?)(\.ts)?(["'];)/g,
      (_, from, base, rest, _end, end) =>
        base === "@/" ? `${from}${up}/src/${rest}.mjs${end}` : `${from}${base}${rest}.mjs${end}`,
    )
    .replaceAll(
      /(from ["'])[^"']*@supabase\/supabase-js[^"']*(["'];)/g,
      `$1${up}/supabase-client.mjs$2`,
    );
}
