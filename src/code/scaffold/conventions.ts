import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { z } from "zod";
import type { CodeFile, Project } from "../reading/project.ts";
import { unwrap } from "../reading/syntax.ts";

/** A client that the application exports, and its file. */
export type ExportedClient = { readonly name: string; readonly file: string };

/** The client that the application imports most; undefined where none is exported. */
export function exportedClient({ files }: Project): ExportedClient | undefined {
  const found = files
    .filter(({ part }) => part === "app")
    .flatMap((file) => clientsOf(file).map((name) => ({ name, file: file.source.fileName })));
  const used = ({ file }: ExportedClient) =>
    files.filter(({ source }) => source.text.includes(path.basename(withoutExtension(file))))
      .length;
  return found.sort((one, other) => used(other) - used(one))[0];
}

function clientsOf({ source }: CodeFile): string[] {
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const isExported = statement.modifiers?.some(
      ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
    );
    if (isExported !== true) return [];
    return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
      if (initializer === undefined || !ts.isIdentifier(name)) return [];
      const made = unwrap(initializer);
      const isClient =
        ts.isCallExpression(made) && /^create(Browser)?Client$/.test(made.expression.getText());
      return isClient ? [name.text] : [];
    });
  });
}

/** How the project's files import a file: by a path alias where there is one, else relatively. */
export function specifierFor(project: Project, file: string, from: string): string {
  const target = withoutExtension(file);
  for (const [pattern, places] of Object.entries(aliases(project))) {
    const [before = "", after = ""] = pattern.split("*");
    for (const place of places) {
      const start = place.split("*")[0] ?? "";
      if (pattern.includes("*") && target.startsWith(start)) {
        return `${before}${slashes(target.slice(start.length))}${after}`;
      }
    }
  }
  const relative = slashes(path.relative(path.dirname(from), target));
  return relative.startsWith(".") ? relative : `./${relative}`;
}

/** The file of a configured module, without its extension; undefined where it depends on the importer. */
export function fileOf(project: Project, specifier: string): string | undefined {
  for (const [pattern, places] of Object.entries(aliases(project))) {
    const [before = "", after = ""] = pattern.split("*");
    if (!pattern.includes("*") || !specifier.startsWith(before)) continue;
    const rest = specifier.slice(before.length, specifier.length - after.length);
    const [place] = places;
    if (place !== undefined) return place.replace("*", () => rest);
  }
  return undefined;
}

/** `compilerOptions.paths`, with absolute paths. */
function aliases({ program }: Project): Readonly<Record<string, readonly string[]>> {
  const { paths = {}, baseUrl, pathsBasePath } = program.getCompilerOptions();
  const base = baseUrl ?? (typeof pathsBasePath === "string" ? pathsBasePath : undefined);
  if (base === undefined) return {};
  return Object.fromEntries(
    Object.entries(paths).map(([pattern, places]) => [
      pattern,
      places.map((place) => path.resolve(base, place)),
    ]),
  );
}

const packageSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** Whether the application's package names a dependency. */
export function dependsOn({ folder }: Project, name: string): boolean {
  const file = path.join(folder, "package.json");
  if (!existsSync(file)) return false;
  const read = packageSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!read.success) return false;
  return name in read.data.dependencies || name in read.data.devDependencies;
}

/** The module that most edge functions import supabase-js from. */
export function supabaseModule({ files }: Project): string {
  const counts = new Map<string, number>();
  for (const { part, source } of files) {
    if (part !== "functions") continue;
    for (const statement of source.statements.filter(ts.isImportDeclaration)) {
      if (!ts.isStringLiteral(statement.moduleSpecifier)) continue;
      const { text } = statement.moduleSpecifier;
      if (text.includes("supabase-js")) counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  }
  const [most] = [...counts].sort(([, one], [, other]) => other - one);
  return most?.[0] ?? "npm:@supabase/supabase-js@2";
}

/** A text with the kind of quotes that most of the project's files use first. */
export function inQuotesOf({ files }: Project, text: string): string {
  const single = files.filter(({ source }) => /['"]/.exec(source.text)?.[0] === "'").length;
  return single * 2 > files.length ? text.replaceAll('"', "'") : text;
}

function withoutExtension(file: string): string {
  return file.replace(/\.(ts|tsx|js|jsx)$/, "");
}

function slashes(file: string): string {
  return file.split(path.sep).join("/");
}
