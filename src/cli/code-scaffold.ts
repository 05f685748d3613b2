import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { openProject } from "../code/project.ts";
import { unifiedDiff } from "../code/rewrite/diff.ts";
import { type Scaffold, type ScaffoldedFile, scaffold } from "../code/scaffold/scaffold.ts";
import { AppError } from "../errors.ts";
import { counted } from "../report/units.ts";
import { writeOverRead } from "./code-files.ts";
import { type CodeOptions, withCode } from "./code-place.ts";

export type ScaffoldOptions = CodeOptions & {
  /** Writes the files, instead of showing them. */
  readonly write: boolean;
};

/** `tenantry code scaffold`: what the application needs to know its organization. */
export function scaffoldCode(options: ScaffoldOptions): Promise<void> {
  return withCode(options, async ({ settings, folder, output }) => {
    const planned = scaffold(openProject(settings, folder));
    const diff = unifiedDiff(
      planned.files.map(({ name, before = "", after }) => ({ name, before, after })),
    );
    if (options.write) await writeAll(planned.files);
    await output.show(
      {
        kind: "code-scaffold",
        written: options.write,
        files: planned.files.map(({ name, before }) => ({
          file: name,
          isNew: before === undefined,
        })),
        kept: planned.kept.map(({ name, same }) => ({ file: name, same })),
        left: planned.left,
        diff,
      },
      () => `${options.write ? "" : diff}${showScaffold(planned, options.write)}`,
    );
  });
}

function showScaffold({ files, kept, left }: Scaffold, written: boolean): string {
  const lines = [
    ...files.map(({ name, before }) => `${before === undefined ? "new" : "changed"}: ${name}`),
    ...kept.map(
      ({ name, same }) => `there already${same ? "" : ", and other than it would be"}: ${name}`,
    ),
    ...left.map((what) => `left to you: ${what}`),
  ];
  const when = written ? "written" : "to be written, once it is run with --write";
  return `${[...lines, `${counted(files.length, "file")} ${when}`].join("\n")}\n`;
}

async function writeAll(files: readonly ScaffoldedFile[]): Promise<void> {
  for (const file of files) {
    try {
      await mkdir(path.dirname(file.path), { recursive: true });
      if (file.before === undefined) await writeFile(file.path, file.after, { flag: "wx" });
      else await writeOverRead({ path: file.path, before: file.before, after: file.after });
    } catch (error) {
      throw new AppError({
        code: "CODE_NOT_WRITTEN",
        object: file.name,
        fault: `cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        state: "the files before it are written",
        next: "mend that and run it again: what is there already stays as it is",
        cause: error,
      });
    }
  }
}
