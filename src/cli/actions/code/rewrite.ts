import type { ScaffoldedFile } from "../../../code/scaffold/scaffold.ts";
import { counted } from "../../../number-formats.ts";
import { type CodeRewrite, rewriteCode } from "../../../operations/code/rewrite-code.ts";
import { showFindings } from "../../../report/terminal/findings.ts";
import { wrapped } from "../../../report/terminal/wrap.ts";
import { type CodeOptions, withCode } from "./with-code.ts";

export type RewriteOptions = CodeOptions & {
  /** Changes the files, instead of showing how they would change. */
  readonly write: boolean;
};

/** `tenantry code rewrite`: adds the organization to queries where that is certain. */
export function rewriteCommand(options: RewriteOptions): Promise<void> {
  return withCode(options, async ({ output, ...context }) => {
    const rewriting = await rewriteCode(context, options);
    const { files, left, diff, missing } = rewriting;
    await output.show(
      {
        kind: "code-rewrite",
        written: options.write,
        files: files.map(({ name, edits }) => ({ file: name, edits })),
        diff,
        findings: left,
      },
      () =>
        `${options.write ? "" : diff}${showFindings(left)}${hint(missing)}${summary(rewriting, options.write)}`,
    );
  });
}

/** With these files, more may be fixed. */
function hint(missing: readonly ScaffoldedFile[]): string {
  if (missing.length === 0) return "";
  const names = missing.map(({ name }) => name).join(", ");
  const text = `first: tenantry code scaffold --write creates what the application needs to know its organization (${names})`;
  return `${wrapped(text, process.stdout.columns ?? Number.POSITIVE_INFINITY, "       ").trimStart()}\n`;
}

function summary({ files, left }: CodeRewrite, written: boolean): string {
  const edits = files.reduce((sum, file) => sum + file.edits, 0);
  if (edits === 0) return `fixed: nothing; left: ${left.length}\n`;
  const verb = written ? "fixed" : "with --write, fixes";
  return `${verb}: ${counted(edits, "finding")} in ${counted(files.length, "file")}; left: ${left.length}\n`;
}
