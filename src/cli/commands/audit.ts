import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, notBoth, readOptions } from "../options.ts";

const auditOptions = globalOptions
  .extend({
    drift: z.boolean().default(false),
    accept: z.string().trim().min(1, "needs a reason").optional(),
    selfTest: z.boolean().default(false),
    scratch: z.string().optional(),
  })
  .refine(...notBoth("drift", "selfTest"))
  .refine(({ drift, accept }) => drift || accept === undefined, {
    path: ["accept"],
    message: "needs --drift: it accepts what that finds",
  });

export function addAudit(root: Command): void {
  add(root, "audit")
    .option("--drift", "what changed of what the fence stands on since the last stage, instead")
    .option(
      "--accept <reason>",
      "with --drift: accept the changes; later ones are compared with now",
    )
    .option(
      "--self-test",
      "break the fences of small test databases in every known way, and show what notices",
    )
    .option("--scratch <url>", "a server for --self-test, instead of one that is started here")
    .action(async (_options, command: Command) => {
      const options = readOptions(auditOptions, command.optsWithGlobals());
      if (options.selfTest) {
        const { selfTestCommand } = await import("../actions/self-test.ts");
        return selfTestCommand(options);
      }
      const { auditCommand } = await import("../actions/audit.ts");
      return auditCommand(options);
    });
}
