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

/** Whose rows a part of a statement reads or writes. */
type Rows =
  /** No tenant table is read or written. */
  "no tenant rows" | "one organization" | "all organizations";

type Known = {
  readonly column: string;
  hasOrganization(relation: NamedRelation): boolean;
  /** The names of `WITH` so far, with their rows. */
  readonly made: ReadonlyMap<string, Rows>;
  /** The names of `WITH` that return only rows of one user or organization. */
  readonly bound: ReadonlySet<string>;
};

/**
 * Whether a statement is limited to one organization's rows, by a condition that always applies, in every
 * part that reads or writes a tenant table. Of joined tables, a condition on one is enough.
 */
export function isStatementFenced(
  statement: Node,
  column: string,
  hasOrganization: Known["hasOrganization"],
): boolean {
  const known = { column, hasOrganization, made: new Map(), bound: new Set<string>() };
  return rowsOf(statement, known) !== "all organizations";
}

function rowsOf(statement: Node, outer: Known): Rows {
  if ("SelectStmt" in statement) return ofSelect(statement.SelectStmt, outer);
  if ("InsertStmt" in statement) {
    const { relation, cols, selectStmt, withClause } = statement.InsertStmt;
    const [known, broken] = withMade(withClause, outer);
    const written = cols?.some((one) => "ResTarget" in one && one.ResTarget.name === known.column);
    const target = relation === undefined ? "no tenant rows" : ofRelation(relation, known);
    const from = selectStmt === undefined ? "no tenant rows" : rowsOf(selectStmt, known);
    return together([
      broken,
      target === "all organizations" && written === true ? "one organization" : target,
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
      relation === undefined ? "no tenant rows" : ofRelation(relation, outer),
      query === undefined ? "no tenant rows" : rowsOf(query, outer),
    ]);
  }
  if ("TruncateStmt" in statement)
    return together((statement.TruncateStmt.relations ?? []).map((one) => ofItem(one, outer).rows));
  return "no tenant rows";
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

/** Joined tables, with the conditions on the result of the join. */
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
    items.some(({ rows }) => rows === "one organization") ||
    items.some(({ isFencing }) => isFencing) ||
    conditions.some((one) => leavesOne(one, aliases, known));
  const needs = items.some(({ needsOne }) => needsOne);
  // A subquery is a separate scope, unless it looks up rows that belong to this one.
  const inner = [...conditions, ...targetList]
    .flatMap(selectsIn)
    .map((select) =>
      isFenced && refersOutside(select, aliases) ? "no tenant rows" : ofSelect(select, known),
    );
  const own = needs ? (isFenced ? "one organization" : "all organizations") : "no tenant rows";
  const some = own === "no tenant rows" && isFenced ? "one organization" : own;
  return together([broken, some, ...inner]);
}

type Item = {
  readonly rows: Rows;
  /** Whether it contributes rows of all organizations. */
  readonly needsOne: boolean;
  /** Whether it limits the tables that are joined to it. */
  readonly isFencing: boolean;
  readonly conditions: readonly Node[];
};

function of(rows: Rows): Item {
  const isFencing = rows === "one organization";
  return { rows, needsOne: rows === "all organizations", isFencing, conditions: [] };
}

function ofItem(item: Node, known: Known): Item {
  if ("RangeVar" in item) return of(ofRelation(item.RangeVar, known));
  if ("RangeSubselect" in item) {
    const { subquery } = item.RangeSubselect;
    return of(subquery === undefined ? "no tenant rows" : rowsOf(subquery, known));
  }
  if (!("JoinExpr" in item)) return of("no tenant rows");
  const { larg, rarg, quals, jointype } = item.JoinExpr;
  const left = larg === undefined ? of("no tenant rows") : ofItem(larg, known);
  const right = rarg === undefined ? of("no tenant rows") : ofItem(rarg, known);
  const needsOne = left.needsOne || right.needsOne;
  // An outer join keeps all rows of one side, whatever its condition is.
  const bound =
    jointype === "JOIN_INNER" ? [left, right] : jointype === "JOIN_RIGHT" ? [right] : [left];
  const kept = jointype === "JOIN_FULL" ? [] : bound;
  return {
    rows: "no tenant rows",
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
    ? "all organizations"
    : "no tenant rows";
}

/** The names of `WITH`. If one writes rows of all organizations, no later condition can fix that. */
function withMade(clause: WithClause | undefined, outer: Known): readonly [Known, Rows] {
  let known = outer;
  let broken: Rows = "no tenant rows";
  for (const one of clause?.ctes ?? []) {
    if (!("CommonTableExpr" in one)) continue;
    const { ctename = "", ctequery }: CommonTableExpr = one.CommonTableExpr;
    // A recursive query adds rows to those of its first part.
    const itself = {
      ...known,
      made: new Map([...known.made, [ctename, "no tenant rows" as const]]),
    };
    const rows = ctequery === undefined ? "no tenant rows" : rowsOf(ctequery, itself);
    const isRead = ctequery !== undefined && "SelectStmt" in ctequery;
    if (!isRead && rows === "all organizations") broken = rows;
    known = { ...known, made: new Map([...known.made, [ctename, rows]]) };
  }
  known = { ...known, bound: namesBound(clause, known) };
  return [known, broken];
}

function together(parts: readonly Rows[]): Rows {
  if (parts.includes("all organizations")) return "all organizations";
  return parts.includes("one organization") ? "one organization" : "no tenant rows";
}

/** `organization_id = $1`, `IN (…)`, `= ANY (…)`; or `EXISTS (…)` and `IN (…)` of one organization's rows. */
function leavesOne(condition: Node, outside: ReadonlySet<string>, known: Known): boolean {
  if (!("SubLink" in condition))
    return isEqualToValue(condition, (one) => isColumn(one, known.column));
  const { testexpr, subselect, subLinkType } = condition.SubLink;
  if (subselect === undefined || !("SelectStmt" in subselect)) return false;
  const select = subselect.SelectStmt;
  const isOfOne = () => ofSelect(select, known) === "one organization";
  switch (subLinkType) {
    case "ANY_SUBLINK":
      return testexpr !== undefined && isColumn(testexpr, known.column)
        ? bindsOne(select, known) || isOfOne()
        : isOfOne();
    case "EXISTS_SUBLINK":
      // EXISTS of one organization's rows limits nothing without a comparison with the outer row.
      if (correlatesOn(select, outside, known.column)) return bindsOne(select, known) || isOfOne();
      return refersOutside(select, outside) && readsTenants(select, known) && isOfOne();
    default:
      return false;
  }
}

function readsTenants(select: SelectStmt, known: Known): boolean {
  return relationsNamed([{ SelectStmt: select }]).some(
    (one) => known.made.get(one.name) === "one organization" || known.hasOrganization(one),
  );
}
