import { readFile, writeFile } from "node:fs/promises";

/** At the beginning of some files in UTF-8. */
export const byteOrderMark = "\uFEFF";

/**
 * Overwrites a file only if it still has the text that was read: an editor may have saved another one
 * since. A byte order mark, which the compiler leaves out, stays.
 */
export async function writeOverRead(file: {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}): Promise<void> {
  const now = await readFile(file.path, "utf8");
  const mark = now.startsWith(byteOrderMark) ? byteOrderMark : "";
  if (now !== `${mark}${file.before}`)
    throw new Error("it was changed after it was read, or it is not UTF-8");
  await writeFile(file.path, `${mark}${file.after}`);
}
