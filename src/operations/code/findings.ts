import type { Violation } from "../../code/violations.ts";
import type { Finding } from "../../events/finding.ts";

/** A finding in code, which always has a place. */
export type CodeFinding = Finding & Required<Pick<Finding, "place">>;

/** One that a rewrite left to a person. */
export type LeftFinding = CodeFinding & { readonly reason: string };

/** A violation as a finding: without the syntax tree. */
export function codeFinding({ rule, place, what, fact, fix }: Violation): CodeFinding {
  return {
    id: rule.id,
    title: rule.title,
    severity: rule.level,
    object: what,
    fact,
    why: rule.why,
    fix,
    place,
  };
}
