import { counted } from "../../../number-formats.ts";
import {
  type CodeCheck,
  checkCode,
  countFindings,
  pathFrom,
} from "../../../operations/code/check-code.ts";
import { workflowCommand } from "../../../report/ci/annotations.ts";
import { showFindings } from "../../../report/terminal/findings.ts";
import { writeReport } from "../../terminal/write-report.ts";
import { findingsSarif } from "./sarif.ts";
import { type CodeOptions, withCode } from "./with-code.ts";

/**
 * `tenantry code check`: the guard for CI.
 * @throws AppError CODE_UNFENCED where a rule finds an error
 */
export function checkCommand(options: CodeOptions): Promise<void> {
  return withCode(options, async ({ output, ...context }) => {
    const checked = checkCode(context);
    const { findings, files, chains, fenced, failure } = checked;
    await output.show({ kind: "code-check", files, chains, fenced, findings }, () =>
      showCheck(checked),
    );
    if (process.env["GITHUB_ACTIONS"] === "true" && !options.json)
      process.stdout.write(annotations(checked));
    if (options.sarif !== undefined) await writeReport(options.sarif, findingsSarif(checked));
    if (failure !== undefined) throw failure;
  });
}

function showCheck({ findings, files, chains, fenced }: CodeCheck): string {
  const errorsFirst = [
    ...findings.filter(({ severity }) => severity === "error"),
    ...findings.filter(({ severity }) => severity !== "error"),
  ];
  const queries = chains === 1 ? "1 query" : `${chains} queries`;
  return `${showFindings(errorsFirst)}${queries} in ${counted(files, "file")}, ${fenced} fenced: ${countFindings(findings)}\n`;
}

function annotations({ folder, findings }: CodeCheck): string {
  return findings
    .map(({ severity, title, place, object, fact, fix }) => {
      const file = pathFrom(process.cwd(), folder, place.file);
      const properties = { file, line: place.line, col: place.column, title };
      const level = severity === "error" ? "error" : "warning";
      return workflowCommand(level, properties, `${object}: ${fact}\n${fix}`);
    })
    .join("");
}
