import type { Finding } from "../check/check.ts";
import { colorsFor } from "../report/colors.ts";
import { wrapped } from "../report/wrap.ts";

type Shown = {
  readonly database: string;
  readonly findings: readonly Finding[];
  /** How many checks were asked. */
  readonly asked: number;
};

/**
 * What checks found, for people.
 * @param columns of the terminal; what mends something stays one line, to be copied
 */
export function showFindings({ database, findings, asked }: Shown, columns: number): string {
  const blocking = findings.filter(({ severity }) => severity === "blocking").length;
  const advisory = findings.length - blocking;
  const summary = `${asked} checks of ${database}: ${blocking} blocking, ${advisory} advisory; nothing was changed`;
  return `${findings.map((finding) => block(finding, columns)).join("")}${wrapped(summary, columns, "")}\n`;
}

function block({ check, severity, what, why, mend }: Finding, columns: number): string {
  const pc = colorsFor(process.stdout);
  const mark = severity === "blocking" ? pc.red("✘") : pc.yellow("!");
  return [
    `${mark} ${pc.bold(check)}  ${severity}`,
    wrapped(`${what.object}: ${what.fact}`, columns, "    "),
    pc.dim(wrapped(why, columns, "    ")),
    `  → ${mend}`,
    "",
    "",
  ].join("\n");
}
