import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { openProject } from "../../code/reading/project.ts";
import { unifiedDiff } from "../../code/rewrite/diff.ts";
import { type Scaffold, type ScaffoldedFile, scaffold } from "../../code/scaffold/scaffold.ts";
import { AppError, messageOf } from "../../errors.ts";
import type { CodeContext } from "./context.ts";
import { writeOverRead } from "./files.ts";

export type CodeScaffold = Scaffold & {
  /** The changes as a unified diff. */
  readonly diff: string;
};

/**
 * Generates what the application needs to know its organization.
 * @param write whether to write the files
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
        state: "the files before it were written",
        next: "fix the problem above, then run the command again: existing files are not changed",
        cause: error,
      });
    }
  }
}
