import type { Command } from "commander";
import { z } from "zod";
import { add } from "../command.ts";
import { globalOptions, readOptions } from "../options.ts";

/** The TypeScript compiler is loaded for these commands only. */
export function addCode(root: Command): void {
  const options = globalOptions.extend({ sarif: z.string().optional() });
  const code = add(root, "code");
  add(code, "code list")
    .option("--sarif <file>", "also write the list as SARIF 2.1.0")
    .action(async (_options, command: Command) => {
      const { listCommand } = await import("../actions/code/list.ts");
      await listCommand(readOptions(options, command.optsWithGlobals()));
    });
  add(code, "code rewrite")
    .option("--write", "change the files")
    .action(async (_options, command: Command) => {
      const { rewriteCommand } = await import("../actions/code/rewrite.ts");
      await rewriteCommand(
        readOptions(
          globalOptions.extend({ write: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      );
    });
  add(code, "code scaffold")
    .option("--write", "write the files")
    .action(async (_options, command: Command) => {
      const { scaffoldCommand } = await import("../actions/code/scaffold.ts");
      await scaffoldCommand(
        readOptions(
          globalOptions.extend({ write: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      );
    });
  add(code, "code check")
    .option("--sarif <file>", "also write the findings as SARIF 2.1.0")
    .action(async (_options, command: Command) => {
      const { checkCommand } = await import("../actions/code/check.ts");
      await checkCommand(readOptions(options, command.optsWithGlobals()));
    });
}
