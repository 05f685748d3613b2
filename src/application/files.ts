import { mkdir, readFile, realpath, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { AppError } from "../errors.ts";
import type { FileChange } from "../steps/model/application.ts";
import { type EditedLines, undoChange } from "./undo.ts";

/**
 * Writes what the files become; each is whole at any moment.
 * @throws AppError FILES_EDITED where one is not as it was planned from, and then writes none
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
      next: "tenantry rollback, and run the stage again: it is then planned from the files as they are",
      details: others.map(({ file }) => file),
    });
  }
  for (const { file, after } of changes) await write(folder, file, after);
}

/**
 * Takes out of the files what was changed in them, and nothing that somebody changed since.
 * @throws AppError FILES_EDITED with the lines that both changed, and then changes none
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
      fault: `lines that Day 3 had changed were changed again since, in ${edited.length} places`,
      state: "no file was changed",
      next: "put these lines back as they were before Day 3, and run it again; or leave all files as they are: tenantry rollback --leave-files",
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

/** The text of a file, with its byte order mark; null where it is not there. */
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
    // Behind a symbolic link: what it leads to is written, and the link stays.
    const target = (await read(folder, file)) === null ? named : await realpath(named);
    await writeFileAtomic(target, text);
  } catch (error) {
    throw unusable(file, "written", error);
  }
}

/** Removes a file, and the folders that were made for it. */
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
    fault: `cannot be ${what}: ${error instanceof Error ? error.message : String(error)}`,
    state: "files before it may be changed already; running it again goes on from here",
    next: "fix that, and run it again",
    cause: error,
  });
}
