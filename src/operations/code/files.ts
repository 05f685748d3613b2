import { readFile, writeFile } from "node:fs/promises";

const byteOrderMark = "\uFEFF";

/**
 * Writes over nothing but the text that was read: an editor may have saved another one meanwhile. A
 * byte order mark, which the compiler leaves out, stays.
 */
export async function writeOverRead(file: {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}): Promise<void> {
  const now = await readFile(file.path, "utf8");
  const mark = now.startsWith(byteOrderMark) ? byteOrderMark : "";
  if (now !== `${mark}${file.before}`)
    throw new Error("it is not what was read: changed meanwhile, or not in UTF-8");
  await writeFile(file.path, `${mark}${file.after}`);
}
