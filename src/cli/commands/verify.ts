import type { Command } from "commander";
import { add } from "../command.ts";
import {
  globalOptions,
  notBoth,
  readOptions,
  signsACertificate,
  stageOption,
  verifyChecks,
} from "../options.ts";

const verifyOptions = globalOptions
  .extend({ ...verifyChecks, stage: stageOption.optional() })
  .refine(...notBoth("certificate", "onClone"))
  .refine(...signsACertificate);

/** Options of a verification; the short form has them, too. */
export function withVerifyOptions(command: Command): Command {
  return command
    .option("--on-clone", "on a restored backup, instead of the database itself")
    .option("--junit <file>", "write what was found as JUnit's XML, too")
    .option("--sarif <file>", "write what does not hold as SARIF 2.1.0, too")
    .option("--fix-sql <file>", "write the SQL that fixes what does not hold, to be read and run")
    .option("--certificate <file>", "write what was tried and found, for an auditor, too")
    .option("--sign-with <file>", "sign the certificate with this private key: Ed25519, in PEM");
}

export function addVerify(root: Command): void {
  const command = add(root, "verify").argument(
    "[stage]",
    "day1, day2 or day3 (else the last that is applied)",
  );
  withVerifyOptions(command)
    .option("--scratch <url>", "a server for --on-clone, instead of one that is started here")
    .action(async (stage: string | undefined, _options, own: Command) => {
      const { verify } = await import("../actions/verify.ts");
      await verify(readOptions(verifyOptions, { ...own.optsWithGlobals(), stage }));
    });
}
