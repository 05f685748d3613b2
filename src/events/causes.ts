import { bare, concerns } from "./concerns.ts";
import type { Finding } from "./finding.ts";
import {
  allResults,
  byReason,
  type CheckResult,
  type StageVerification,
  standingOf,
} from "./verification.ts";

/** Claims that fail, by the object that others get through to, with what the catalog says about it. */
export type Cause = {
  /** As SQL names it; for claims that no statement shows, the first of them. */
  readonly object: string;
  /** The claims that fail. */
  readonly claims: readonly string[];
  /** What contradicts them, and how many of the claims. */
  readonly facts: readonly { readonly what: string; readonly claims: number }[];
  /** The open findings about the object. */
  readonly findings: readonly Finding[];
  /** The SQL that fixes it, as far as the catalog shows it. */
  readonly fix: readonly string[];
};

export type Causes = {
  readonly causes: readonly Cause[];
  /** Open findings about objects to which no claim fails. */
  readonly others: readonly Finding[];
};

/** Groups what fails by its object, so that a table which five personas reach is one cause. */
export function causesOf(verification: StageVerification): Causes {
  const { open } = standingOf(verification);
  const failed = allResults(verification).filter(({ violations }) => violations.length > 0);
  const byObject = new Map<string, CheckResult[]>();
  const unshown: CheckResult[] = [];
  for (const result of failed) {
    const objects = new Set((result.evidence ?? []).map(({ object }) => object));
    if (objects.size === 0) unshown.push(result);
    for (const object of objects) byObject.set(object, [...(byObject.get(object) ?? []), result]);
  }
  const shown = [...byObject].map(([object, results]) => causeOf(object, results, open));
  const explained = new Set(shown.flatMap(({ findings }) => findings));
  const further = byReason(unshown).map(({ claims, result }): Cause => {
    const facts = result.violations.map((what) => ({ what, claims: claims.length }));
    return { object: claims[0] ?? "", claims, facts, findings: [], fix: [] };
  });
  return {
    causes: [...shown, ...further],
    others: open.filter((finding) => !explained.has(finding)),
  };
}

function causeOf(object: string, results: readonly CheckResult[], open: readonly Finding[]): Cause {
  const facts = new Map<string, number>();
  const fixes = new Set<string>();
  for (const { violations, evidence = [] } of results) {
    const own = evidence.filter((one) => one.object === object);
    // A violation that no statement shows belongs to the objects of its claim.
    const told = violations.filter(
      (what) =>
        own.some(({ violation }) => violation === what) ||
        evidence.every(({ violation }) => violation !== what),
    );
    for (const what of told) facts.set(what, (facts.get(what) ?? 0) + 1);
    for (const fix of own.flatMap((one) => one.fix)) fixes.add(fix);
  }
  const findings = open.filter((finding) => concerns(finding, object));
  for (const { fix } of findings) if (!fix.startsWith("--")) fixes.add(fix);
  const fix = oncePerPolicy([...fixes]);
  const statements = fix.filter((one) => !one.startsWith("--"));
  return {
    object: bare(object),
    claims: results.map(({ claim }) => claim),
    // What most kinds of users get first.
    facts: [...facts]
      .map(([what, claims]) => ({ what, claims }))
      .sort((one, other) => other.claims - one.claims),
    findings,
    fix: statements.length > 0 ? statements : fix,
  };
}

/** Of fixes that make the same policy anew (a rule's, and the state before a change), the first. */
export function oncePerPolicy(fixes: readonly string[]): readonly string[] {
  const policyOf = (fix: string) =>
    /^BEGIN; (DROP POLICY IF EXISTS (?:"(?:[^"]|"")*"|\S+) ON \S+); CREATE POLICY/.exec(fix)?.[1];
  return fixes.filter((fix, index) => {
    const policy = policyOf(fix);
    return policy === undefined || fixes.findIndex((one) => policyOf(one) === policy) === index;
  });
}

/** All fixes as one script for psql, each cause under a comment that says what it ends. */
export function fixScript(verification: StageVerification): string {
  const { causes, others } = causesOf(verification);
  const parts = [
    ...causes.map(({ object, facts, fix }) => ({
      heads: [object, ...facts.slice(0, 3).map(({ what }) => what)],
      fix: fix.length > 0 ? fix : ["-- no SQL is known for it: tenantry verify --verbose"],
    })),
    ...others.map(({ id, object, fact, fix }) => ({
      heads: [`${id}: ${object}`, fact],
      fix: [fix],
    })),
  ];
  const said = new Set<string>();
  return parts
    .map(({ heads, fix }) => {
      const comments = heads.flatMap((head) => head.split("\n")).map((line) => `-- ${line}`);
      const fresh = fix.filter((statement) => !said.has(statement));
      for (const statement of fresh) said.add(statement);
      return `${[...comments, ...fresh.map(terminated)].join("\n")}\n`;
    })
    .join("\n");
}

/** A statement with its semicolon; a comment as it is. */
function terminated(statement: string): string {
  const ends = /;\s*(--[^\n]*)?$/.test(statement) || statement.startsWith("--");
  return ends ? statement : `${statement};`;
}
