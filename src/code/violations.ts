import type { Inventory } from "./queries/inventory.ts";
import type { Entry } from "./queries/inventory-entry.ts";
import type { Annotation } from "./reading/annotation.ts";
import type { SourcePlace } from "./reading/syntax.ts";
import type { FactAndFix, Rule } from "./rule.ts";
import { rules } from "./rules.ts";

/** What a rule found, with the rule. */
export type Violation = FactAndFix & {
  readonly rule: Pick<Rule, "id" | "level" | "title" | "why">;
  readonly place: SourcePlace;
  /** What it is about, in a few words: `select leads`. */
  readonly what: string;
  /** Undefined where it is about an annotation. */
  readonly entry: Entry | undefined;
};

/** Annotations are not entries of the inventory: these rules have no `find`. */
const annotationRule = {
  id: "annotation-without-reason",
  level: "error",
  title: "An annotation gives no reason, or is not understood",
  why: "An exception without a reason cannot be reviewed.",
} as const satisfies Omit<Rule, "find">;

/** An unused annotation may later exempt a query that it was not meant for. */
const unusedRule = {
  id: "annotation-unused",
  level: "warning",
  title: "Unused annotation",
  why: "It covers no query. A query that is added there later would be exempt.",
} as const satisfies Omit<Rule, "find">;

export const annotationRules = [annotationRule, unusedRule];

/** All violations, in the order of the files. */
export function violationsOf(inventory: Inventory): Violation[] {
  const ofEntries = inventory.entries.flatMap((entry) =>
    entry.annotation?.reason !== undefined
      ? []
      : rules.flatMap((rule) => {
          const fault = rule.find(entry, inventory);
          return fault === undefined
            ? []
            : [{ ...fault, rule, place: entry.place, what: describe(entry), entry }];
        }),
  );
  const used = new Set(inventory.entries.map(({ annotation }) => annotation));
  const ofAnnotations = inventory.annotations.flatMap((annotation) => {
    if (annotation.reason === undefined)
      return [
        ofAnnotation(annotationRule, annotation, "write // tenantry: all-organizations because …"),
      ];
    if (used.has(annotation)) return [];
    return [
      ofAnnotation(unusedRule, annotation, "move it to the line above the query, or remove it"),
    ];
  });
  return [...ofEntries, ...ofAnnotations];
}

function ofAnnotation(
  rule: Violation["rule"],
  { file, line, text }: Annotation,
  fix: string,
): Violation {
  return {
    rule,
    place: { file, line, column: 1 },
    what: "annotation",
    fact: `the comment is "tenantry: ${text}"`,
    fix,
    entry: undefined,
  };
}

/** An entry in a few words. */
export function describe(entry: Entry): string {
  switch (entry.kind) {
    case "chain":
      return `${entry.operation} ${tablesOf(entry)}`;
    case "rpc":
      return `rpc ${entry.name}`;
    case "invocation":
      return `invoke ${entry.name}`;
    case "storage":
      return `storage ${entry.bucket}`;
    case "subscription":
      return `subscription ${entry.table ?? "?"}`;
    case "cache":
      return entry.store;
    case "sql":
      return `sql ${[...new Set(entry.relations.map(({ name }) => name))].join(", ") || "?"}`;
    case "other":
      return `query by ${entry.library}`;
    default:
      return entry satisfies never;
  }
}

function tablesOf({ tables }: Extract<Entry, { kind: "chain" }>): string {
  return tables.kind === "known" ? tables.names.join(" or ") : `? (${tables.text})`;
}
