import type { Node, SelectStmt, WithClause } from "libpg-query";
import {
  aliasesIn,
  columnOf,
  conjuncts,
  isEquality,
  isEqualToValue,
  isOutside,
} from "./condition.ts";
import { within } from "./statement.ts";

type Bound = {
  readonly column: string;
  /** Names of `WITH` that are bound already. */
  readonly bound: ReadonlySet<string>;
};

/** Columns that identify one user or one organization; a status or a plan does not. */
const identities = [
  /^(id|uid|uuid|sub)$/i,
  /(user|member|owner|profile|account|organi[sz]ation|org|tenant|team|auth|customer|session)(_?(id|uid|uuid|name))?$/i,
  /(^|_)(email|login|slug|handle|domain|subdomain|host|hostname|token|secret|key|hash|phone|number)$/i,
];

/**
 * Whether a select returns only rows of one user or organization, because a condition compares one of these
 * columns with a value. A select without a table is a value: `SELECT unnest($1)`.
 */
export function bindsOne(select: SelectStmt, outer: Bound): boolean {
  const { larg, rarg, fromClause = [], whereClause, withClause } = select;
  const known = { ...outer, bound: namesBound(withClause, outer) };
  if (larg !== undefined && rarg !== undefined)
    return bindsOne(larg, known) && bindsOne(rarg, known);
  if (![...within(fromClause)].some((one) => "relname" in one)) return true;
  return (
    [whereClause, ...fromClause.flatMap(innerConditions)]
      .flatMap(conjuncts)
      .some((one) => isOfOne(one, aliasesIn(fromClause), known)) ||
    fromClause.some((item) => isBound(item, known))
  );
}

/** The names of `WITH` that return only rows of one user or organization. */
export function namesBound(clause: WithClause | undefined, outer: Bound): ReadonlySet<string> {
  const bound = new Set(outer.bound);
  for (const one of clause?.ctes ?? []) {
    if (!("CommonTableExpr" in one)) continue;
    const { ctename = "", ctequery } = one.CommonTableExpr;
    bound.delete(ctename);
    if (ctequery !== undefined && "SelectStmt" in ctequery) {
      if (bindsOne(ctequery.SelectStmt, { ...outer, bound })) bound.add(ctename);
    }
  }
  return bound;
}

/** Whether a subquery compares the organization of its rows with that of a table of the outer query. */
export function correlatesOn(
  select: SelectStmt,
  outside: ReadonlySet<string>,
  column: string,
): boolean {
  const own = aliasesIn(select.fromClause ?? []);
  return conjuncts(select.whereClause).some((condition) => {
    if (!("A_Expr" in condition) || !isEquality(condition)) return false;
    const sides = [columnOf(condition.A_Expr.lexpr), columnOf(condition.A_Expr.rexpr)];
    return (
      sides.every((side) => side !== undefined) &&
      sides.filter((side) => isOutside(side?.table, own, outside) && side?.name === column)
        .length === 1
    );
  });
}

function isOfOne(condition: Node, own: ReadonlySet<string>, known: Bound): boolean {
  const tellsOne = (side: Node) => {
    const column = columnOf(side);
    if (column === undefined) return false;
    // A condition on an outer table says nothing about the subquery's rows.
    return (column.table === undefined || own.has(column.table)) && isIdentity(column.name, known);
  };
  if (!("SubLink" in condition)) return isEqualToValue(condition, tellsOne);
  const { testexpr, subselect, subLinkType } = condition.SubLink;
  return (
    subLinkType === "ANY_SUBLINK" &&
    testexpr !== undefined &&
    tellsOne(testexpr) &&
    subselect !== undefined &&
    "SelectStmt" in subselect &&
    bindsOne(subselect.SelectStmt, known)
  );
}

function isIdentity(name: string, { column }: Bound): boolean {
  return name === column || identities.some((pattern) => pattern.test(name));
}

function innerConditions(item: Node): readonly Node[] {
  if (!("JoinExpr" in item) || item.JoinExpr.jointype !== "JOIN_INNER") return [];
  const { larg, rarg, quals } = item.JoinExpr;
  const sides = [larg, rarg].flatMap((side) => (side === undefined ? [] : innerConditions(side)));
  return quals === undefined ? sides : [...sides, quals];
}

function isBound(item: Node, known: Bound): boolean {
  if ("RangeVar" in item)
    return item.RangeVar.schemaname === undefined && known.bound.has(item.RangeVar.relname ?? "");
  if ("RangeSubselect" in item) {
    const { subquery } = item.RangeSubselect;
    return (
      subquery !== undefined && "SelectStmt" in subquery && bindsOne(subquery.SelectStmt, known)
    );
  }
  if (!("JoinExpr" in item) || item.JoinExpr.jointype !== "JOIN_INNER") return false;
  const { larg, rarg } = item.JoinExpr;
  return [larg, rarg].some((side) => side !== undefined && isBound(side, known));
}
