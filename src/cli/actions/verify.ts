import { readFile } from "node:fs/promises";
import path from "node:path";
import { fixScript } from "../../events/causes.ts";
import { isGreen } from "../../events/verification.ts";
import { certifyStage } from "../../operations/certificate.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import {
  type VerifyRequest,
  type VerifyResult,
  verifyStage,
} from "../../operations/verify-stage.ts";
import { githubAnnotations } from "../../report/ci/annotations.ts";
import { junitReport } from "../../report/ci/junit.ts";
import { sarifReport } from "../../report/ci/sarif.ts";
import { showVerification } from "../../report/terminal/results.ts";
import { version } from "../../version.ts";
import { type GlobalOptions, levelOf } from "../options.ts";
import type { Output } from "../terminal/output.ts";
import { writeReport } from "../terminal/write-report.ts";
import { inWorkspace } from "../workspace.ts";

export type VerifyOptions = GlobalOptions &
  VerifyRequest & {
    /** Files that are written as well, for CI. */
    readonly junit?: string | undefined;
    readonly sarif?: string | undefined;
    /** A script with the SQL that fixes what is not green. */
    readonly fixSql?: string | undefined;
    /** What was tried and found, for an auditor. */
    readonly certificate?: string | undefined;
    /** A private key in PEM, which signs it. */
    readonly signWith?: string | undefined;
  };

/** `tenantry verify [stage]`, and `tenantry --stage dayN --verify`: fails where something does not hold. */
export function verify(options: VerifyOptions): Promise<void> {
  return inWorkspace(options, (workspace, output) => verifyAndShow(workspace, output, options));
}

/** The same in a workspace that is open already. */
export async function verifyAndShow(
  workspace: Workspace,
  output: Output,
  options: VerifyOptions,
): Promise<void> {
  const { certificate: file } = options;
  if (file === undefined) {
    const result = await verifyStage(workspace, options);
    await show(result, workspace, output, options);
    if (result.failure !== undefined) throw result.failure;
    return;
  }
  const result = await certifyStage(workspace, { ...options, certificate: file });
  await show(result, workspace, output, options);
  if (result.certificate !== undefined) {
    const { holds, signer } = result.certificate.content;
    const signed = signer === null ? "not signed" : `signed by the key with SHA-256 ${signer}`;
    await output.show(
      { kind: "certificate", file, holds, signer },
      () => `certificate: ${file} (${holds ? "" : "it says that this is not green; "}${signed})\n`,
    );
  }
  if (result.failure !== undefined) throw result.failure;
}

/** Shows what was found to people or a program, to a CI's files, and to GitHub. */
async function show(
  { stage, verification }: VerifyResult,
  { configFile }: Workspace,
  output: Output,
  options: VerifyOptions,
): Promise<void> {
  const { json, junit, sarif, fixSql } = options;
  await output.show(
    { kind: "verification", stage, holds: isGreen(verification), ...verification },
    () => showVerification(stage, verification, levelOf(options)),
  );
  const configuration = {
    file: path.relative(process.cwd(), configFile).split(path.sep).join("/"),
    text: await readFile(configFile, "utf8"),
  };
  if (process.env["GITHUB_ACTIONS"] === "true" && !json) {
    process.stdout.write(githubAnnotations(stage, verification, configuration));
  }
  if (junit !== undefined) await writeReport(junit, junitReport(stage, verification));
  if (fixSql !== undefined) await writeReport(fixSql, fixScript(verification));
  if (sarif !== undefined) {
    await writeReport(sarif, sarifReport(verification, { stage, version, configuration }));
  }
}
