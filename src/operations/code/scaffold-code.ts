import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { openProject } from "../../code/reading/project.ts";
import { unifiedDiff } from "../../code/rewrite/diff.ts";
import { type Scaffold, type ScaffoldedFile, scaffold } from "../../code/scaffold/scaffold.ts";
import { AppError, messageOf } from "../../errors.ts";
import type { CodeContext } from "./context.ts";
import { writeOverRead } from "./files.ts";

export type CodeScaffold = Scaffold & {
  /** How the files change, as a unified diff. */
  readonly diff: string;
};

/**
 * Makes what the application needs to know its organization.
 * @param write writes the files; else nothing is changed
 * @throws AppError CODE_NOT_WRITTEN
 */
export async function scaffoldCode(
  { settings, folder }: CodeContext,
  { write }: { readonly write: boolean },
): Promise<CodeScaffold> {
  const planned = scaffold(openProject(settings, folder));
  const diff = unifiedDiff(
    planned.files.map(({ name, before = "", after }) => ({ name, before, after })),
  );
  if (write) await writeAll(planned.files);
  return { ...planned, diff };
}

async function writeAll(files: readonly ScaffoldedFile[]): Promise<void> {
  for (const file of files) {
    try {
      await mkdir(path.dirname(file.path), { recursive: true });
      if (file.before === undefined) await writeFile(file.path, file.after, { flag: "wx" });
      else await writeOverRead({ path: file.path, before: file.before, after: file.after });
    } catch (error) {
      throw new AppError({
        code: "CODE_NOT_WRITTEN",
        object: file.name,
        fault: `cannot be written: ${messageOf(error)}`,
        state: "the files before it are written",
        next: "fix that and run it again: what is there already stays as it is",
        cause: error,
      });
    }
  }
}
