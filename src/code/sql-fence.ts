import type { CommonTableExpr, Node, RangeVar, SelectStmt, WithClause } from "libpg-query";
import { type NamedRelation, within } from "./sql-statement.ts";

/** Whose rows a part of a statement is of. */
type Rows =
  /** No tenant table is read or written. */
  "nobody's" | "one organization's" | "all organizations'";

type Known = {
  readonly column: string;
  hasOrganization(relation: NamedRelation): boolean;
  /** What `WITH` has made so far, by its name. */
  readonly made: ReadonlyMap<string, Rows>;
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
  return rowsOf(statement, { column, hasOrganization, made: new Map() }) !== "all organizations'";
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
  const conditions = [whereClause, ...items.flatMap((item) => item.conditions)].flatMap(conjuncts);
  const isFenced =
    items.some(({ rows }) => rows === "one organization's") ||
    items.some(({ isFencing }) => isFencing) ||
    conditions.some((one) => leavesOne(one, known));
  const needs = items.some(({ needsOne }) => needsOne);
  const aliases = aliasesIn([...targets, ...fromClause]);
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

/** What `WITH` makes; what it writes for all organizations, no condition further down mends. */
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
  return [known, broken];
}

function together(parts: readonly Rows[]): Rows {
  if (parts.includes("all organizations'")) return "all organizations'";
  return parts.includes("one organization's") ? "one organization's" : "nobody's";
}

function conjuncts(condition: Node | undefined): readonly Node[] {
  if (condition === undefined) return [];
  return "BoolExpr" in condition && condition.BoolExpr.boolop === "AND_EXPR"
    ? (condition.BoolExpr.args ?? []).flatMap(conjuncts)
    : [condition];
}

const equal = new Set(["AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_IN", "AEXPR_NOT_DISTINCT"]);

/** `organization_id = $1`, `IN (…)`, `= ANY (…)`; or `EXISTS (…)` and `IN (…)` of one organization's rows. */
function leavesOne(condition: Node, known: Known): boolean {
  if ("SubLink" in condition) {
    const { testexpr, subselect, subLinkType } = condition.SubLink;
    if (subLinkType !== "ANY_SUBLINK" && subLinkType !== "EXISTS_SUBLINK") return false;
    if (testexpr !== undefined && isColumn(testexpr, known.column)) return true;
    return subselect !== undefined && rowsOf(subselect, known) === "one organization's";
  }
  if (!("A_Expr" in condition)) return false;
  const { kind = "", name, lexpr, rexpr } = condition.A_Expr;
  const [operator] = name ?? [];
  const isEqual = operator !== undefined && "String" in operator && operator.String.sval === "=";
  if (!isEqual || !equal.has(kind) || lexpr === undefined || rexpr === undefined) return false;
  const isValue = (one: Node) => !hasColumn(one) && !("A_Const" in one && one.A_Const.isnull);
  return (
    (isColumn(lexpr, known.column) && isValue(rexpr)) ||
    (isColumn(rexpr, known.column) && isValue(lexpr))
  );
}

/** A column by its name, whatever its table's; a cast of it too. */
function isColumn(node: Node, column: string): boolean {
  if ("TypeCast" in node && node.TypeCast.arg !== undefined)
    return isColumn(node.TypeCast.arg, column);
  if (!("ColumnRef" in node)) return false;
  const last = node.ColumnRef.fields?.at(-1);
  return last !== undefined && "String" in last && last.String.sval === column;
}

/** Whether a value comes from another column: a join of two tables fences neither. */
function hasColumn(node: Node): boolean {
  if ("SubLink" in node) return false;
  return [...within(node)].some((one) => "ColumnRef" in one);
}

/** The selects in an expression, the outermost ones. */
function selectsIn(expression: unknown): SelectStmt[] {
  if (typeof expression !== "object" || expression === null) return [];
  if ("SelectStmt" in expression && typeof expression.SelectStmt === "object")
    return expression.SelectStmt === null ? [] : [expression.SelectStmt];
  return Object.values(expression).flatMap(selectsIn);
}

function aliasesIn(items: readonly unknown[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const one of within(items)) {
    if ("relname" in one && typeof one.relname === "string") found.add(one.relname);
    if ("aliasname" in one && typeof one.aliasname === "string") found.add(one.aliasname);
  }
  return found;
}

/** Whether a select has a condition on a table around it: `WHERE call_logs.lead_id = leads.id`. */
function refersOutside(select: SelectStmt, outside: ReadonlySet<string>): boolean {
  const own = aliasesIn(select.fromClause ?? []);
  return conjuncts(select.whereClause).some((condition) => {
    if (!("A_Expr" in condition)) return false;
    const { lexpr, rexpr } = condition.A_Expr;
    return [lexpr, rexpr].some((side) => {
      const [table, column] =
        (side !== undefined && "ColumnRef" in side && side.ColumnRef.fields) || [];
      if (table === undefined || column === undefined || !("String" in table)) return false;
      const name = table.String.sval ?? "";
      return outside.has(name) && !own.has(name);
    });
  });
}
