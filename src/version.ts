import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";

/** The package's own description: one folder up in the source, two in what is built. */
function packageFile(): string {
  const candidates = ["../package.json", "../../package.json"];
  const found = candidates.find((file) => existsSync(new URL(file, import.meta.url)));
  if (found === undefined) throw new Error("package.json is not beside the program");
  return found;
}

/** Tenantry's version, from its package. */
export const version: string = z
  .object({ version: z.string() })
  .parse(createRequire(import.meta.url)(packageFile())).version;
