import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ownBuild } from "../command.ts";

/** One replacement in the built program; its text is there once. */
export type Edit = { readonly find: string; readonly replace: string };

const folderOfCopies = fileURLToPath(new URL("../../../.chaos-build", import.meta.url));

/**
 * Copies the build, with texts replaced.
 * @throws Error where a text is not found, or more than once: the engine has changed, and so must the edit
 */
export async function patchedBuild(name: string, edits: readonly Edit[]): Promise<string> {
  const copy = path.join(folderOfCopies, name.replaceAll(/\W+/g, "-"));
  await rm(copy, { recursive: true, force: true });
  await cp(ownBuild, copy, { recursive: true });
  const files = (await readdir(copy)).filter((file) => file.endsWith(".mjs"));
  for (const edit of edits) {
    // What an earlier build left in the folder is not imported by this one.
    const changed = await Promise.all(files.map((file) => apply(path.join(copy, file), edit)));
    if (!changed.includes("changed") || changed.includes("ambiguous")) {
      throw new Error(`${name}: not found exactly once in the build: ${edit.find}`);
    }
  }
  return copy;
}

async function apply(
  file: string,
  { find, replace }: Edit,
): Promise<"changed" | "absent" | "ambiguous"> {
  const pieces = (await readFile(file, "utf8")).split(find);
  if (pieces.length === 1) return "absent";
  if (pieces.length > 2) return "ambiguous";
  await writeFile(file, pieces.join(replace));
  return "changed";
}

/** A lease that expires within seconds: a paused process need not sleep for half a minute. */
export const quickLease: readonly Edit[] = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a template in the build
  { find: "make_interval(secs => ${30})", replace: "make_interval(secs => ${3})" },
  { find: "Math.max(patience, 30 * 1e3)", replace: "Math.max(patience, 3 * 1e3)" },
  { find: "const renewalInMilliseconds = 5e3;", replace: "const renewalInMilliseconds = 500;" },
];
