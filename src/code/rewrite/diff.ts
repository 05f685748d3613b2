import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

/** One patch of all files, as git and patch take it. */
export function unifiedDiff(
  files: readonly { readonly name: string; readonly before: string; readonly after: string }[],
): string {
  return files
    .map(({ name, before, after }) =>
      createTwoFilesPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, {
        context: 3,
        headerOptions: FILE_HEADERS_ONLY,
      }),
    )
    .join("");
}
