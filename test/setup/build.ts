import { build } from "tsdown";
import config from "../../tsdown.config.ts";
import { builtFolder } from "./built-program.ts";

/** Builds the program once, for all tests that start it. */
export default async function buildProgram(): Promise<void> {
  await build({
    ...config,
    config: false,
    entry: {
      "bin/tenantry": "bin/tenantry.ts",
      "test/setup/stopped-program": "test/setup/stopped-program.ts",
    },
    outDir: builtFolder,
    dts: false,
    // Other tests may be running what was built before.
    clean: false,
    logLevel: "error",
  });
}
