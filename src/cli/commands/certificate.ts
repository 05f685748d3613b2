import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

const checkOptions = globalOptions.extend({ file: z.string(), key: z.string().optional() });

export function addCertificate(root: Command): void {
  const certificate = add(root, "certificate");
  add(certificate, "certificate check")
    .argument("<file>", "the certificate, which verify --certificate wrote")
    .option("--key <file>", "the public key of the one who should have signed it, in PEM")
    .action(async (file: string, _options, own: Command) => {
      const { checkCertificateCommand } = await import("../actions/certificate.ts");
      await checkCertificateCommand(readOptions(checkOptions, { ...own.optsWithGlobals(), file }));
    });
}
