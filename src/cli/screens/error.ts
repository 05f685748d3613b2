import { describeError } from "../../operations/context/describe-error.ts";
import { jsonLine } from "../../report/json.ts";
import { colorsFor } from "../../report/terminal/colors.ts";
import { withName, wrapped } from "../../report/terminal/wrap.ts";

/** Says on standard error what happened, to what, the state now, and what to do next. */
export function showError(
  thrown: unknown,
  { json, debug }: { json: boolean; debug: boolean },
): void {
  const result = describeError(thrown, debug);
  if (json) {
    process.stdout.write(jsonLine(result));
    return;
  }
  const { code, object, fault, state, next, details, stack } = result;
  const pc = colorsFor(process.stderr);
  // A pipe has no width.
  const { columns = Number.POSITIVE_INFINITY } = process.stderr;
  const said = (text: string, margin: string) => wrapped(text, columns, margin).trimStart();
  const about = oneLine(object);
  const what = `${about}: ${harmless(fault)}`;
  // A text with line breaks keeps them.
  const told = what.includes("\n") ? what : said(what, "    ");
  const headed = told.startsWith(about) ? pc.bold(about) + told.slice(about.length) : told;
  const lines = [
    `${pc.red(pc.bold("✘"))} ${withName(told, code, columns, pc).replace(told, () => headed)}`,
    ...details.map((detail) => `    ${harmless(detail).replaceAll("\n", "\n    ")}`),
    `  now:  ${said(oneLine(state), "        ")}`,
    `  next: ${said(oneLine(next), "        ")}`,
    ...(stack === undefined ? [] : [pc.dim(stack)]),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** A name or a row may hold what steers a terminal, or what looks like a line of ours. */
function harmless(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

function oneLine(text: string): string {
  return harmless(text).replaceAll("\n", "\\n");
}
