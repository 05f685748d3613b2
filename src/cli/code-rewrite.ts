import { takeInventory } from "../code/inventory.ts";
import { openProject } from "../code/project.ts";
import { unifiedDiff } from "../code/rewrite/diff.ts";
import { type Rewriting, type RewrittenFile, rewriteCode } from "../code/rewrite/rewrite.ts";
import { findingRow } from "../code/rows.ts";
import { AppError } from "../errors.ts";
import { counted } from "../report/units.ts";
import { showFindings } from "./code-check.ts";
import { writeOverRead } from "./code-files.ts";
import { type CodeOptions, withCode } from "./code-place.ts";

export type RewriteOptions = CodeOptions & {
  /** Changes the files, instead of showing how they would change. */
  readonly write: boolean;
};

/** `tenantry code rewrite`: gives queries their organization where that is sure. */
export function rewriteCodeCommand(options: RewriteOptions): Promise<void> {
  return withCode(options, async ({ settings, folder, output }) => {
    const rewriting = rewriteCode(takeInventory(openProject(settings, folder)));
    const { files, left } = rewriting;
    const diff = unifiedDiff(files);
    if (options.write) await writeAll(files);
    await output.show(
      {
        kind: "code-rewrite",
        written: options.write,
        files: files.map(({ name, edits }) => ({ file: name, edits })),
        diff,
        findings: left.map((finding) => ({ ...findingRow(finding), reason: finding.reason })),
      },
      () => `${options.write ? "" : diff}${showFindings(left)}${summary(rewriting, options.write)}`,
    );
  });
}

function summary({ files, left }: Rewriting, written: boolean): string {
  const edits = files.reduce((sum, file) => sum + file.edits, 0);
  const when = written ? "" : ", once it is run with --write";
  return `mended: ${counted(edits, "finding")} in ${counted(files.length, "file")}${when}; left: ${left.length}\n`;
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
        fault: `cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        state: `${written} of ${files.length} files were rewritten`,
        next: "mend that and run it again: what is rewritten already stays as it is",
        cause: error,
      });
    }
    written += 1;
  }
}
