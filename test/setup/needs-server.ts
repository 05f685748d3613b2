import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What a test does that talks to a server, a browser or a registry. */
const marks = /\binject\(|\bstartServer\(|chromium|"npm"|postgrest/;

/** Tests of code need no server, but compile whole applications; the corpus stands for them. */
const compiles = (file: string): boolean =>
  file.startsWith("test/code/") && file !== path.join("test", "code", "corpus.test.ts");

/**
 * The test files that need no server: neither they nor what they import of test/ talk to one.
 * @param root the repository
 */
export function filesWithoutServer(root: string): readonly string[] {
  const known = new Map<string, boolean>();
  const needsServer = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    known.set(file, false);
    const text = readFileSync(path.join(root, file), "utf8");
    const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
      .map(([, name = ""]) => path.join(path.dirname(file), name))
      .filter((name) => name.startsWith("test/") && existsSync(path.join(root, name)));
    const needs = marks.test(text) || imported.some(needsServer);
    known.set(file, needs);
    return needs;
  };
  return readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => path.join("test", name))
    .filter((file) => !compiles(file) && !needsServer(file));
}
