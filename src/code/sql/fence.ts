import type { CommonTableExpr, Node, RangeVar, SelectStmt, WithClause } from "libpg-query";
import { bindsOne, correlatesOn, namesBound } from "./binding.ts";
import {
  aliasesIn,
  conjuncts,
  isColumn,
  isEqualToValue,
  refersOutside,
  selectsIn,
} from "./condition.ts";
import { type NamedRelation, relationsNamed } from "./statement.ts";

/** Whose rows a part of a statement is of. */
type Rows =
  /** No tenant table is read or written. */
  "nobody's" | "one organization's" | "all organizations'";

type Known = {
  readonly column: string;
  hasOrganization(relation: NamedRelation): boolean;
  /** What `WITH` has made so far, by its name. */
  readonly made: ReadonlyMap<string, Rows>;
  /** What `WITH` has made that gives only what belongs to one user or organization. */
  readonly bound: ReadonlySet<string>;
};

/**
 * Whether a statement leaves only one organization's rows: by a condition that always applies, in every
 * part of it that reads or writes a tenant table. Tables that are joined are fenced by one of them.
 */
export function isStatementFenced(
  statement: Node,
  column: string,
  hasOrganization: Known["hasOrganization"],
): boolean {
  const known = { column, hasOrganization, made: new Map(), bound: new Set<string>() };
  return rowsOf(statement, known) !== "all organizations'";
}

function rowsOf(statement: Node, outer: Known): Rows {
  if ("SelectStmt" in statement) return ofSelect(statement.SelectStmt, outer);
  if ("InsertStmt" in statement) {
    const { relation, cols, selectStmt, withClause } = statement.InsertStmt;
    const [known, broken] = withMade(withClause, outer);
    const written = cols?.some((one) => "ResTarget" in one && one.ResTarget.name === known.column);
    const target = relation === undefined ? "nobody's" : ofRelation(relation, known);
    const from = selectStmt === undefined ? "nobody's" : rowsOf(selectStmt, known);
    return together([
      broken,
      target === "all organizations'" && written === true ? "one organization's" : target,
      from,
    ]);
  }
  if ("UpdateStmt" in statement) {
    const { relation, fromClause, whereClause, withClause, targetList } = statement.UpdateStmt;
    return ofScope({ targets: [relation], fromClause, whereClause, withClause, targetList }, outer);
  }
  if ("DeleteStmt" in statement) {
    const { relation, usingClause, whereClause, withClause } = statement.DeleteStmt;
    return ofScope(
      { targets: [relation], fromClause: usingClause, whereClause, withClause },
      outer,
    );
  }
  if ("MergeStmt" in statement) {
    const { relation, sourceRelation, joinCondition, withClause } = statement.MergeStmt;
    const fromClause = sourceRelation === undefined ? [] : [sourceRelation];
    return ofScope(
      { targets: [relation], fromClause, whereClause: joinCondition, withClause },
      outer,
    );
  }
  if ("CopyStmt" in statement) {
    const { relation, query } = statement.CopyStmt;
    return together([
      relation === undefined ? "nobody's" : ofRelation(relation, outer),
      query === undefined ? "nobody's" : rowsOf(query, outer),
    ]);
  }
  if ("TruncateStmt" in statement)
    return together((statement.TruncateStmt.relations ?? []).map((one) => ofItem(one, outer).rows));
  return "nobody's";
}

function ofSelect(select: SelectStmt, outer: Known): Rows {
  const { larg, rarg, withClause } = select;
  if (larg === undefined || rarg === undefined) return ofScope({ ...select, targets: [] }, outer);
  const [known, broken] = withMade(withClause, outer);
  return together([broken, ofSelect(larg, known), ofSelect(rarg, known)]);
}

type Scope = {
  readonly targets: readonly (RangeVar | undefined)[];
  readonly fromClause?: readonly Node[] | undefined;
  readonly whereClause?: Node | undefined;
  readonly withClause?: WithClause | undefined;
  readonly targetList?: readonly Node[] | undefined;
};

/** Tables that are joined, with the conditions on what they give together. */
function ofScope(scope: Scope, outer: Known): Rows {
  const { targets, fromClause = [], whereClause, withClause, targetList = [] } = scope;
  const [known, broken] = withMade(withClause, outer);
  const items = [
    ...targets.flatMap((one) => (one === undefined ? [] : [of(ofRelation(one, known))])),
    ...fromClause.map((one) => ofItem(one, known)),
  ];
  const aliases = aliasesIn([...targets, ...fromClause]);
  const conditions = [whereClause, ...items.flatMap((item) => item.conditions)].flatMap(conjuncts);
  const isFenced =
    items.some(({ rows }) => rows === "one organization's") ||
    items.some(({ isFencing }) => isFencing) ||
    conditions.some((one) => leavesOne(one, aliases, known));
  const needs = items.some(({ needsOne }) => needsOne);
  // What stands in a parenthesis is a scope of its own, but for one that looks up what belongs to this.
  const inner = [...conditions, ...targetList]
    .flatMap(selectsIn)
    .map((select) =>
      isFenced && refersOutside(select, aliases) ? "nobody's" : ofSelect(select, known),
    );
  const own = needs ? (isFenced ? "one organization's" : "all organizations'") : "nobody's";
  const some = own === "nobody's" && isFenced ? "one organization's" : own;
  return together([broken, some, ...inner]);
}

type Item = {
  readonly rows: Rows;
  /** Whether rows of all organizations come in by it. */
  readonly needsOne: boolean;
  /** Whether what is joined to it is bound by it. */
  readonly isFencing: boolean;
  readonly conditions: readonly Node[];
};

function of(rows: Rows): Item {
  const isFencing = rows === "one organization's";
  return { rows, needsOne: rows === "all organizations'", isFencing, conditions: [] };
}

function ofItem(item: Node, known: Known): Item {
  if ("RangeVar" in item) return of(ofRelation(item.RangeVar, known));
  if ("RangeSubselect" in item) {
    const { subquery } = item.RangeSubselect;
    return of(subquery === undefined ? "nobody's" : rowsOf(subquery, known));
  }
  if (!("JoinExpr" in item)) return of("nobody's");
  const { larg, rarg, quals, jointype } = item.JoinExpr;
  const left = larg === undefined ? of("nobody's") : ofItem(larg, known);
  const right = rarg === undefined ? of("nobody's") : ofItem(rarg, known);
  const needsOne = left.needsOne || right.needsOne;
  // An outer join keeps the rows of one side, whatever its condition says.
  const bound =
    jointype === "JOIN_INNER" ? [left, right] : jointype === "JOIN_RIGHT" ? [right] : [left];
  const kept = jointype === "JOIN_FULL" ? [] : bound;
  return {
    rows: "nobody's",
    needsOne,
    isFencing: kept.some(({ isFencing }) => isFencing),
    conditions: [
      ...kept.flatMap(({ conditions }) => conditions),
      ...(jointype === "JOIN_INNER" && quals !== undefined ? [quals] : []),
    ],
  };
}

function ofRelation({ schemaname, relname = "" }: RangeVar, known: Known): Rows {
  const made = schemaname === undefined ? known.made.get(relname) : undefined;
  if (made !== undefined) return made;
  return known.hasOrganization({ schema: schemaname, name: relname })
    ? "all organizations'"
    : "nobody's";
}

/** What `WITH` makes; what it writes for all organizations, no condition further down fixes. */
function withMade(clause: WithClause | undefined, outer: Known): readonly [Known, Rows] {
  let known = outer;
  let broken: Rows = "nobody's";
  for (const one of clause?.ctes ?? []) {
    if (!("CommonTableExpr" in one)) continue;
    const { ctename = "", ctequery }: CommonTableExpr = one.CommonTableExpr;
    // A recursive one adds to what its first part begins with.
    const itself = { ...known, made: new Map([...known.made, [ctename, "nobody's" as const]]) };
    const rows = ctequery === undefined ? "nobody's" : rowsOf(ctequery, itself);
    const isRead = ctequery !== undefined && "SelectStmt" in ctequery;
    if (!isRead && rows === "all organizations'") broken = rows;
    known = { ...known, made: new Map([...known.made, [ctename, rows]]) };
  }
  known = { ...known, bound: namesBound(clause, known) };
  return [known, broken];
}

function together(parts: readonly Rows[]): Rows {
  if (parts.includes("all organizations'")) return "all organizations'";
  return parts.includes("one organization's") ? "one organization's" : "nobody's";
}

/** `organization_id = $1`, `IN (…)`, `= ANY (…)`; or `EXISTS (…)` and `IN (…)` of one organization's rows. */
function leavesOne(condition: Node, outside: ReadonlySet<string>, known: Known): boolean {
  if (!("SubLink" in condition))
    return isEqualToValue(condition, (one) => isColumn(one, known.column));
  const { testexpr, subselect, subLinkType } = condition.SubLink;
  if (subselect === undefined || !("SelectStmt" in subselect)) return false;
  const select = subselect.SelectStmt;
  const isOfOne = () => ofSelect(select, known) === "one organization's";
  switch (subLinkType) {
    case "ANY_SUBLINK":
      return testexpr !== undefined && isColumn(testexpr, known.column)
        ? bindsOne(select, known) || isOfOne()
        : isOfOne();
    case "EXISTS_SUBLINK":
      // What is true of one organization says nothing of a row that it does not compare itself with.
      if (correlatesOn(select, outside, known.column)) return bindsOne(select, known) || isOfOne();
      return refersOutside(select, outside) && readsTenants(select, known) && isOfOne();
    default:
      return false;
  }
}

function readsTenants(select: SelectStmt, known: Known): boolean {
  return relationsNamed([{ SelectStmt: select }]).some(
    (one) => known.made.get(one.name) === "one organization's" || known.hasOrganization(one),
  );
}
