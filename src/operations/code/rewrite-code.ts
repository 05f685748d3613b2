import { takeInventory } from "../../code/queries/inventory.ts";
import { openProject } from "../../code/reading/project.ts";
import { unifiedDiff } from "../../code/rewrite/diff.ts";
import {
  type Rewriting,
  type RewrittenFile,
  rewriteCode as rewrite,
} from "../../code/rewrite/rewrite.ts";
import { type ScaffoldedFile, scaffold } from "../../code/scaffold/scaffold.ts";
import { AppError, messageOf } from "../../errors.ts";
import type { CodeContext } from "./context.ts";
import { writeOverRead } from "./files.ts";
import { codeFinding, type LeftFinding } from "./findings.ts";

export type CodeRewrite = Pick<Rewriting, "files"> & {
  /** Findings that have to be fixed by hand, and why. */
  readonly left: readonly LeftFinding[];
  /** How the files change, as a unified diff. */
  readonly diff: string;
  /** Files of the scaffold that the application does not have yet: most of what is left may wait for them. */
  readonly missing: readonly ScaffoldedFile[];
};

/**
 * Gives queries their organization where that is certain.
 * @param write changes the files; else nothing is changed
 * @throws AppError CODE_NOT_WRITTEN
 */
export async function rewriteCode(
  { settings, folder }: CodeContext,
  { write }: { readonly write: boolean },
): Promise<CodeRewrite> {
  const project = openProject(settings, folder);
  const rewriting = rewrite(takeInventory(project));
  const missing = rewriting.left.length === 0 ? [] : scaffold(project).files;
  const diff = unifiedDiff(rewriting.files);
  if (write) await writeAll(rewriting.files);
  const left = rewriting.left.map((one) => ({ ...codeFinding(one), reason: one.reason }));
  return { files: rewriting.files, left, diff, missing };
}

async function writeAll(files: readonly RewrittenFile[]): Promise<void> {
  let written = 0;
  for (const file of files) {
    try {
      await writeOverRead(file);
    } catch (error) {
      throw new AppError({
        code: "CODE_NOT_WRITTEN",
        object: file.name,
        fault: `cannot be written: ${messageOf(error)}`,
        state: `${written} of ${files.length} files were rewritten`,
        next: "fix that and run it again: what is rewritten already stays as it is",
        cause: error,
      });
    }
    written += 1;
  }
}
