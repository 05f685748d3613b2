import { takeInventory } from "../code/inventory.ts";
import { openProject } from "../code/project.ts";
import { unifiedDiff } from "../code/rewrite/diff.ts";
import { type Rewriting, type RewrittenFile, rewriteCode } from "../code/rewrite/rewrite.ts";
import { findingRow } from "../code/rows.ts";
import { type ScaffoldedFile, scaffold } from "../code/scaffold/scaffold.ts";
import { AppError } from "../errors.ts";
import { counted } from "../report/units.ts";
import { wrapped } from "../report/wrap.ts";
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
    const project = openProject(settings, folder);
    const rewriting = rewriteCode(takeInventory(project));
    const { files, left } = rewriting;
    const missing = left.length === 0 ? [] : scaffold(project).files;
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
      () =>
        `${options.write ? "" : diff}${showFindings(left)}${hint(missing)}${summary(rewriting, options.write)}`,
    );
  });
}

/** Most of what is left may only wait for these. */
function hint(missing: readonly ScaffoldedFile[]): string {
  if (missing.length === 0) return "";
  const names = missing.map(({ name }) => name).join(", ");
  const text = `first: tenantry code scaffold --write makes what the application needs to know its organization (${names})`;
  return `${wrapped(text, process.stdout.columns ?? Number.POSITIVE_INFINITY, "       ").trimStart()}\n`;
}

function summary({ files, left }: Rewriting, written: boolean): string {
  const edits = files.reduce((sum, file) => sum + file.edits, 0);
  if (edits === 0) return `mended: nothing; left: ${left.length}\n`;
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
