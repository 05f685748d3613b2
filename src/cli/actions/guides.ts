import path from "node:path";
import { type GuideFate, writeGuides } from "../../operations/code/guides.ts";
import type { GlobalOptions } from "../options.ts";
import { withCode } from "./code/with-code.ts";

export type GuidesOptions = GlobalOptions & {
  /** Writes the files, instead of only listing them. */
  readonly write: boolean;
  /** The folder to write to, relative to the configuration's. */
  readonly folder: string;
};

/** `tenantry guides`: the documents of Day 3, from the configuration alone. */
export function guides(options: GuidesOptions): Promise<void> {
  return withCode(options, async ({ output, ...context }) => {
    const { folder, files } = await writeGuides(context, options);
    await output.show({ kind: "guides", written: options.write, folder, files }, () =>
      files
        .map(
          ({ file, fate }) =>
            `${wordsFor(fate, options.write)}: ${path.join(options.folder, file)}\n`,
        )
        .join(""),
    );
  });
}

function wordsFor(fate: GuideFate, written: boolean): string {
  switch (fate) {
    case "new":
    case "updated":
      return written ? (fate === "new" ? "written" : "updated") : `${fate}, with --write`;
    case "the same":
      return "as it is";
    case "edited":
      return "edited by hand; not overwritten";
    default:
      return fate satisfies never;
  }
}
