import type { Evidence } from "../../events/evidence.ts";
import type { CheckResult, TriedTrial } from "../../events/verification.ts";
import { ident, type RelationName, type Sql, textOf, toScript } from "../../postgres/sql.ts";
import type { Request } from "./request.ts";

/** Something that contradicts a claim: what got through, or why it could not be tried. */
export type Violation = { readonly what: string; readonly shown?: Shown };

/** The evidence of what got through. It has no values of existing rows. */
export type Shown = {
  /** The user, in words. */
  readonly who: string;
  readonly request: Request;
  readonly object: RelationName;
  readonly statement: Sql;
  /** The result: canaries (keys of the proof's own organizations) and counts. */
  readonly answer: string;
};

/** A violation that no single statement shows. */
export function violation(what: string): Violation {
  return { what };
}

/** A claim with what contradicts it, the evidence, and what could not be tried of it. */
export function resultOf(
  claim: string,
  violations: readonly Violation[],
  {
    trial,
    unproven = [],
  }: { readonly trial?: TriedTrial; readonly unproven?: readonly string[] } = {},
): CheckResult {
  // The same violation is shown once.
  const different = [...new Map(violations.toReversed().map((one) => [one.what, one])).values()];
  const distinct = different.toReversed();
  const evidence = distinct.flatMap(({ what, shown }) =>
    shown === undefined ? [] : [evidenceOf(what, shown)],
  );
  return {
    claim,
    violations: distinct.map(({ what }) => what),
    ...(unproven.length === 0
      ? {}
      : { unproven: [...new Set(unproven)].map((what) => ({ what })) }),
    ...(evidence.length === 0 ? {} : { evidence }),
    ...(trial === undefined ? {} : { trial }),
  };
}

function evidenceOf(what: string, { who, request, object, statement, answer }: Shown): Evidence {
  const said = request.settings.filter(([, value]) => value !== "");
  const session = [
    ...(request.login === undefined ? [] : [`logged in as ${request.login}`]),
    `role ${request.role}`,
    ...said.map(([name, value]) => `${name} = ${value}`),
  ];
  return {
    violation: what,
    as: `${who}: ${session.join(", ")}`,
    // On one line, for lists, JUnit files and annotations.
    statement: toScript(statement).replaceAll(/\s+/g, " ").trim(),
    answer,
    object: textOf(ident(object)),
    fix: [],
  };
}
