import { loadSettings } from "../../../config/load.ts";
import type { Settings } from "../../../config/settings.ts";
import type { GlobalOptions } from "../../options.ts";
import { type Output, withOutput } from "../../terminal/output.ts";
import { takeTarget } from "../../workspace.ts";

export type CodeOptions = GlobalOptions & {
  /** A file to write SARIF to, for CI. */
  readonly sarif?: string | undefined;
};

/** What the code commands need: no database. */
export type CodeCommandContext = {
  readonly settings: Settings;
  /** The configuration's folder. */
  readonly folder: string;
  readonly output: Output;
};

/** Opens the configuration and the output, and runs a command with them. */
export async function withCode(
  options: CodeOptions,
  work: (context: CodeCommandContext) => Promise<void>,
): Promise<void> {
  const { settings, folder } = await loadSettings(process.cwd(), options.config);
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, (output) =>
    work({ settings, folder, output }),
  );
}
