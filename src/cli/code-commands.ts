import type { Command } from "commander";
import { z } from "zod";
import { globalOptions, readOptions } from "./options.ts";

/** The compiler that reads code is loaded for these commands only. */
export function addCode(
  root: Command,
  add: (root: Command, name: string, description: string) => Command,
): void {
  const options = globalOptions.extend({ sarif: z.string().optional() });
  const code = add(root, "code", "the application's code: find, rewrite and guard its queries");
  add(code, "list", "every query with its client, table, payload and filters; changes nothing")
    .option("--sarif <file>", "the same as SARIF 2.1.0, too")
    .action(async (_options, command: Command) => {
      const { listCode } = await import("./code.ts");
      await listCode(readOptions(options, command.optsWithGlobals()));
    });
  add(code, "rewrite", "give every query its organization: shows a diff, and changes nothing")
    .option("--write", "change the files")
    .action(async (_options, command: Command) => {
      const { rewriteCodeCommand } = await import("./code-rewrite.ts");
      await rewriteCodeCommand(
        readOptions(
          globalOptions.extend({ write: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      );
    });
  add(code, "check", "in CI: exit 3 where a query on a tenant table names no organization")
    .option("--sarif <file>", "what was found as SARIF 2.1.0, too")
    .action(async (_options, command: Command) => {
      const { checkCode } = await import("./code-check.ts");
      await checkCode(readOptions(options, command.optsWithGlobals()));
    });
}
