import type { Violation } from "../../code/violations.ts";
import type { Finding } from "../../events/finding.ts";

/** A finding in code, as every command reports findings. */
export type CodeFinding = Finding & Required<Pick<Finding, "place">>;

/** One that a rewrite left to a person. */
export type LeftFinding = CodeFinding & { readonly reason: string };

/** What a rule for code found, without the syntax that it was found in. */
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
