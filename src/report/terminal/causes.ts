import { type Cause, causesOf } from "../../events/causes.ts";
import {
  allResults,
  byReason,
  type StageVerification,
  standingOf,
  stateOf,
} from "../../events/verification.ts";
import { counted } from "../../number-formats.ts";
import { colorsFor } from "./colors.ts";
import { showAround, showFindings } from "./findings.ts";
import { said } from "./wrap.ts";

/** How many facts and findings of a cause are shown; --verbose shows each claim with all of them. */
const most = 4;

/** What is not green: claims that fail by their cause, what was not proven, and findings. */
export function showFaults(verification: StageVerification): string {
  const { causes, others } = causesOf(verification);
  return [
    titled("What does not hold", causes.map(showCause).join("")),
    titled("Not proven", showUnproven(verification)),
    titled("Open around the fence", showFindings(others)),
  ].join("");
}

/** What a later stage ends or asks about, and what is accepted, a line each. */
export function showRest(verification: StageVerification): string {
  const { dim } = colorsFor(process.stdout);
  const { due } = standingOf(verification);
  const decisions = due.filter((one) => one.due?.decision === true);
  const accepted = [
    ...verification.findings.flatMap(({ object, accepted: why }) =>
      why === undefined ? [] : [{ object, ...why }],
    ),
    ...allResults(verification).flatMap(({ unproven = [] }) =>
      unproven.flatMap(({ what, accepted: why }) =>
        why === undefined ? [] : [{ object: what, ...why }],
      ),
    ),
  ];
  const lines = [...new Map(accepted.map((one) => [one.object, one])).values()].map((one) =>
    dim(said(`${one.object}: accepted until ${one.until}: ${one.reason}`, "    ")),
  );
  return [
    showAround(decisions),
    titled("Accepted", lines.map((line) => `  ${line}\n`).join("")),
  ].join("");
}

function titled(heading: string, body: string): string {
  return body === "" ? "" : `${colorsFor(process.stdout).bold(heading)}\n${body}`;
}

function showCause({ object, claims, facts, findings, fix }: Cause): string {
  const pc = colorsFor(process.stdout);
  const times = (number: number) => (number === 1 ? "" : ` (${number} times)`);
  const shown = [
    ...facts.slice(0, most).map(({ what, claims: number }) => `${what}${times(number)}`),
    ...(facts.length > most ? [`and ${facts.length - most} more: --verbose`] : []),
  ];
  const why = findings.slice(0, most).map((one) => `${one.object}: ${one.fact}`);
  const label = (name: string) => pc.dim(name.padEnd(8));
  return [
    `${pc.red("✘")} ${said(`${object}: ${counted(claims.length, "claim")}`, "    ")}`,
    ...shown.map((text) => `    ${said(text, "      ")}`),
    ...why.map((text) => `    ${label("because")} ${said(text, " ".repeat(13))}`),
    // SQL stays one line, to be copied.
    ...fix.map((statement) => `    ${label("fix")} ${statement}`),
    "",
  ].join("\n");
}

function showUnproven(verification: StageVerification): string {
  const pc = colorsFor(process.stdout);
  const untried = allResults(verification).filter((one) => stateOf(one) === "not proven");
  return byReason(untried)
    .map(({ claims, result }) => {
      const open = (result.unproven ?? []).filter(({ accepted }) => accepted === undefined);
      const [first = "", ...more] = claims;
      const also = more.length === 0 ? "" : `, and ${counted(more.length, "claim")} more`;
      return [
        `${pc.yellow("?")} ${said(`${first}${also}`, "    ")}`,
        ...open.map(({ what }) => `    ${said(what, "      ")}`),
        "",
      ].join("\n");
    })
    .join("");
}
