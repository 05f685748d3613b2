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
  /** Findings that must be fixed by hand, and why. */
  readonly left: readonly LeftFinding[];
  /** The changes as a unified diff. */
  readonly diff: string;
  /** Files of the scaffold that do not exist yet: with them, more may be fixed. */
  readonly missing: readonly ScaffoldedFile[];
};

/**
 * Adds the organization to queries where that is certain.
 * @param write whether to change the files
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
        next: "fix the problem above, then run the command again: rewritten files are not changed twice",
        cause: error,
      });
    }
    written += 1;
  }
}
