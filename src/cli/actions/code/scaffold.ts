import type { Scaffold } from "../../../code/scaffold/scaffold.ts";
import { counted } from "../../../number-formats.ts";
import { scaffoldCode } from "../../../operations/code/scaffold-code.ts";
import { type CodeOptions, withCode } from "./with-code.ts";

export type ScaffoldOptions = CodeOptions & {
  /** Writes the files, instead of showing them. */
  readonly write: boolean;
};

/** `tenantry code scaffold`: what the application needs to know its organization. */
export function scaffoldCommand(options: ScaffoldOptions): Promise<void> {
  return withCode(options, async ({ output, ...context }) => {
    const planned = await scaffoldCode(context, options);
    const { files, kept, left, diff } = planned;
    await output.show(
      {
        kind: "code-scaffold",
        written: options.write,
        files: files.map(({ name, before }) => ({ file: name, isNew: before === undefined })),
        kept: kept.map(({ name, same }) => ({ file: name, same })),
        left,
        diff,
      },
      () => `${options.write ? "" : diff}${showScaffold(planned, options.write)}`,
    );
  });
}

function showScaffold({ files, kept, left }: Scaffold, written: boolean): string {
  const lines = [
    ...files.map(({ name, before }) => `${before === undefined ? "new" : "changed"}: ${name}`),
    ...kept.map(({ name, same }) => `exists already${same ? "" : ", with other content"}: ${name}`),
    ...left.map((what) => `left to you: ${what}`),
  ];
  const when = written ? "written" : "to write: run it again with --write";
  return `${[...lines, `${counted(files.length, "file")} ${when}`].join("\n")}\n`;
}
