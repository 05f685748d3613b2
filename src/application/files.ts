import { mkdir, readFile, realpath, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { AppError, messageOf } from "../errors.ts";
import type { FileChange } from "../steps/model/application.ts";
import { type EditedLines, undoChange } from "./undo.ts";

/**
 * Writes the new texts of files, each of them atomically.
 * @throws AppError FILES_EDITED where a file is not as the stage was planned from, before any is written
 */
export async function makeChanges(folder: string, changes: readonly FileChange[]): Promise<void> {
  const texts = await Promise.all(changes.map(({ file }) => read(folder, file)));
  const others = changes.filter(({ before, after }, index) => {
    const now = texts[index];
    return now !== before && now !== after;
  });
  if (others.length > 0) {
    throw new AppError({
      code: "FILES_EDITED",
      object: folder,
      fault: `${others.length} of ${changes.length} files are not as the stage was planned from`,
      state: "no file was changed",
      next: "tenantry rollback, then run the stage again: it is planned from the files as they are then",
      details: others.map(({ file }) => file),
    });
  }
  for (const { file, after } of changes) await write(folder, file, after);
}

/**
 * Undoes the changes in the files, and keeps every later change.
 * @throws AppError FILES_EDITED with the lines that were changed again since, before any file is written
 */
export async function undoChanges(folder: string, changes: readonly FileChange[]): Promise<void> {
  const edited: EditedLines[] = [];
  const writes: { readonly file: string; readonly text: string | null }[] = [];
  for (const change of changes) {
    const now = await read(folder, change.file);
    const undone = undoChange(change, now);
    if (undone.kind === "edited") edited.push(...undone.lines);
    else if (undone.text !== now) writes.push({ file: change.file, text: undone.text });
  }
  if (edited.length > 0) {
    throw new AppError({
      code: "FILES_EDITED",
      object: folder,
      fault: `lines that Day 3 changed were edited since, in ${edited.length} places`,
      state: "no file was changed",
      next: "restore these lines as they were before Day 3, then run the same command again; or leave all files as they are: tenantry rollback --leave-files",
      details: edited.map(showLines),
    });
  }
  for (const { file, text } of writes) {
    if (text === null) await remove(folder, file);
    else await write(folder, file, text);
  }
}

function showLines({ file, line, now, before }: EditedLines): string {
  const marked = (mark: string, lines: readonly string[]) =>
    lines.map((text) => `${mark} ${text.trimEnd()}`);
  return [`${file}:${line}`, ...marked("now:   ", now), ...marked("before:", before)].join("\n");
}

/** The text of a file, with its byte order mark; null where the file does not exist. */
async function read(folder: string, file: string): Promise<string | null> {
  try {
    return await readFile(path.join(folder, file), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw unusable(file, "read", error);
  }
}

async function write(folder: string, file: string, text: string): Promise<void> {
  const named = path.join(folder, file);
  try {
    await mkdir(path.dirname(named), { recursive: true });
    // Where the name is a symbolic link, its target is written and the link stays.
    const target = (await read(folder, file)) === null ? named : await realpath(named);
    await writeFileAtomic(target, text);
  } catch (error) {
    throw unusable(file, "written", error);
  }
}

/** Removes a file, and its folders as far as they are empty then. */
async function remove(folder: string, file: string): Promise<void> {
  await rm(path.join(folder, file));
  let parent = path.dirname(file);
  while (parent !== "." && (await removedEmpty(path.join(folder, parent)))) {
    parent = path.dirname(parent);
  }
}

async function removedEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTEMPTY") return false;
    throw error;
  }
}

function unusable(file: string, what: "read" | "written", error: unknown): unknown {
  if (error instanceof AppError) return error;
  return new AppError({
    code: "CODE_NOT_WRITTEN",
    object: file,
    fault: `cannot be ${what}: ${messageOf(error)}`,
    state: "other files may be changed already",
    next: "fix the problem above, then run the same command again to continue",
    cause: error,
  });
}
