import { writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, diskFix, messageOf } from "../../errors.ts";

/**
 * Writes a report for CI.
 * @throws AppError USAGE where it cannot be written
 */
export async function writeReport(file: string, content: string): Promise<void> {
  try {
    await writeFile(path.resolve(file), content);
  } catch (error) {
    throw new AppError({
      code: "USAGE",
      object: file,
      fault: `cannot be written: ${messageOf(error)}`,
      state: "nothing was changed",
      next:
        diskFix(error, "name a file on another disk") ?? "name a file in a folder that is there",
      cause: error,
    });
  }
}
