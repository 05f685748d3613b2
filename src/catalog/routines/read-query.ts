import type { JoinExpr, Node, RangeVar, SelectStmt, WithClause } from "libpg-query";
import type { Equality, Query, QueryTable, TableUse, Value } from "./query.ts";
import { bare, conjunctsOf, onlyTargetOf, selectOf, simpleValue, within } from "./syntax.ts";

/** Where a query is: the one around it, and the names that a WITH around it has made. */
type Scope = {
  readonly within: number | undefined;
  readonly filters: boolean;
  readonly made: ReadonlySet<string>;
};

/** A query while it is read. */
type Draft = {
  readonly id: number;
  readonly scope: Scope;
  readonly tables: QueryTable[];
  readonly equalities: Equality[];
  readonly written: { readonly column: string; readonly value: Value }[];
  namesColumns: boolean;
  updatesOnConflict: boolean;
};

const outermost: Scope = { within: undefined, filters: false, made: new Set() };

/** Reads the queries of a statement; false where it is no statement of rows. */
export function readQueries(statement: Node, queries: Query[]): boolean {
  const reading = { queries: [] as Draft[], seen: new Set<object>() };
  const base = queries.length;
  const known = read(statement, outermost, reading);
  for (const { scope, id: _, ...draft } of reading.queries) {
    const shifted = draft.equalities.map((one) =>
      one.otherIn === undefined ? one : { ...one, otherIn: one.otherIn + base },
    );
    const around = scope.within === undefined ? undefined : scope.within + base;
    queries.push({ ...draft, equalities: shifted, within: around, filters: scope.filters });
  }
  return known;
}

type Reading = { readonly queries: Draft[]; readonly seen: Set<object> };

function read(node: Node, scope: Scope, reading: Reading): boolean {
  if ("SelectStmt" in node) readSelect(node.SelectStmt, scope, reading);
  else if ("ReturnStmt" in node) {
    readBelow(begin(scope, reading), node.ReturnStmt.returnval, reading);
  } else if ("CallStmt" in node) {
    readBelow(begin(scope, reading), node.CallStmt.funccall?.args, reading);
  } else if ("InsertStmt" in node) readInsert(node.InsertStmt, scope, reading);
  else if ("UpdateStmt" in node) {
    const { relation, targetList = [], whereClause, fromClause = [], withClause } = node.UpdateStmt;
    const draft = begin(withNames(withClause, scope, reading), reading);
    addTable(draft, relation, "update");
    for (const item of fromClause) readFrom(draft, item, undefined, reading);
    readConditions(draft, whereClause, undefined, reading);
    readWritten(draft, targetList);
    readBelow(draft, node.UpdateStmt, reading);
  } else if ("DeleteStmt" in node) {
    const { relation, usingClause = [], whereClause, withClause } = node.DeleteStmt;
    const draft = begin(withNames(withClause, scope, reading), reading);
    addTable(draft, relation, "delete");
    for (const item of usingClause) readFrom(draft, item, undefined, reading);
    readConditions(draft, whereClause, undefined, reading);
    readBelow(draft, node.DeleteStmt, reading);
  } else if ("MergeStmt" in node) {
    const { relation, sourceRelation, withClause } = node.MergeStmt;
    const draft = begin(withNames(withClause, scope, reading), reading);
    addTable(draft, relation, "merge");
    if (sourceRelation !== undefined) readFrom(draft, sourceRelation, undefined, reading);
    readBelow(draft, node.MergeStmt, reading);
  } else if ("TruncateStmt" in node) {
    const draft = begin(scope, reading);
    for (const one of node.TruncateStmt.relations ?? [])
      if ("RangeVar" in one) addTable(draft, one.RangeVar, "truncate");
  } else {
    // DDL, COPY and others may contain queries, and name tables.
    const draft = begin(scope, reading);
    readBelow(draft, node, reading);
    if ("CopyStmt" in node) addTable(draft, node.CopyStmt.relation, "other");
    return false;
  }
  return true;
}

function begin(scope: Scope, { queries }: Reading): Draft {
  const draft: Draft = {
    id: queries.length,
    scope,
    tables: [],
    equalities: [],
    written: [],
    namesColumns: true,
    updatesOnConflict: false,
  };
  queries.push(draft);
  return draft;
}

function readSelect(select: SelectStmt, scope: Scope, reading: Reading): number | undefined {
  if (reading.seen.has(select)) return undefined;
  reading.seen.add(select);
  const inner = withNames(select.withClause, scope, reading);
  if (select.larg !== undefined && select.rarg !== undefined) {
    readSelect(select.larg, inner, reading);
    readSelect(select.rarg, inner, reading);
    return undefined;
  }
  const draft = begin(inner, reading);
  for (const item of select.fromClause ?? []) readFrom(draft, item, undefined, reading);
  readConditions(draft, select.whereClause, undefined, reading);
  readBelow(draft, select, reading);
  return draft.id;
}

function readInsert(
  insert: Extract<Node, { InsertStmt: unknown }>["InsertStmt"],
  scope: Scope,
  reading: Reading,
): void {
  const { relation, cols = [], selectStmt, onConflictClause, withClause } = insert;
  const draft = begin(withNames(withClause, scope, reading), reading);
  addTable(draft, relation, "insert");
  draft.namesColumns = cols.length > 0 || selectStmt === undefined;
  draft.updatesOnConflict = onConflictClause?.action === "ONCONFLICT_UPDATE";
  const names = cols.map((col) => ("ResTarget" in col ? (col.ResTarget.name ?? "") : ""));
  const select = selectOf(selectStmt);
  const rows = (select?.valuesLists ?? []).map((row) =>
    "List" in row ? (row.List.items ?? []) : [],
  );
  const targets = (select?.targetList ?? []).map((one) =>
    "ResTarget" in one ? one.ResTarget.val : undefined,
  );
  for (const row of rows.length > 0 ? rows : select === undefined ? [] : [targets]) {
    for (const [position, column] of names.entries()) {
      draft.written.push({ column, value: simpleValue(row[position]) });
    }
  }
  // Rows from a query: its columns are those of the query below.
  if (select !== undefined && rows.length === 0) {
    readSelect(select, { ...draft.scope, within: draft.id, filters: true }, reading);
  }
  readBelow(draft, insert, reading);
}

/** Reads the queries of a WITH. @returns the scope in which their names are known */
function withNames(clause: WithClause | undefined, scope: Scope, reading: Reading): Scope {
  let made = scope.made;
  const named = (clause?.ctes ?? []).flatMap((one) =>
    "CommonTableExpr" in one ? [one.CommonTableExpr] : [],
  );
  if (clause?.recursive === true) made = new Set([...made, ...named.map(nameOfCte)]);
  for (const one of named) {
    const { ctequery } = one;
    if (ctequery !== undefined) read(ctequery, { ...scope, filters: false, made }, reading);
    made = new Set([...made, nameOfCte(one)]);
  }
  return { ...scope, made };
}

function nameOfCte({ ctename = "" }: { ctename?: string }): string {
  return ctename;
}

/** @param restricts the aliases that a condition here restricts, where not all */
function readFrom(
  draft: Draft,
  item: Node,
  restricts: readonly string[] | undefined,
  reading: Reading,
): void {
  if ("RangeVar" in item) addTable(draft, item.RangeVar, "read");
  else if ("JoinExpr" in item) readJoin(draft, item.JoinExpr, restricts, reading);
  else readBelow(draft, item, reading);
}

function readJoin(
  draft: Draft,
  { jointype, larg, rarg, quals, usingClause = [] }: JoinExpr,
  restricts: readonly string[] | undefined,
  reading: Reading,
): void {
  const start = draft.tables.length;
  if (larg !== undefined) readFrom(draft, larg, restricts, reading);
  const middle = draft.tables.length;
  if (rarg !== undefined) readFrom(draft, rarg, restricts, reading);
  const aliases = (from: number, to: number) =>
    draft.tables.slice(from, to).map(({ alias }) => alias);
  const left = aliases(start, middle);
  const right = aliases(middle, draft.tables.length);
  const restricted =
    jointype === "JOIN_LEFT"
      ? right
      : jointype === "JOIN_RIGHT"
        ? left
        : jointype === "JOIN_FULL"
          ? []
          : restricts;
  readConditions(draft, quals, restricted, reading);
  const columns = usingClause.flatMap((one) => ("String" in one ? (one.String.sval ?? "") : []));
  for (const column of columns) {
    for (const one of left) {
      for (const other of right) {
        draft.equalities.push({
          one: { kind: "name", of: one, name: column },
          other: { kind: "name", of: other, name: column },
          otherIn: undefined,
          restricts: restricted,
        });
      }
    }
  }
}

function addTable({ tables, scope }: Draft, table: RangeVar | undefined, use: TableUse): void {
  const { schemaname: schema, relname: name = "", alias } = table ?? {};
  if (name === "" || (schema === undefined && use === "read" && scope.made.has(name))) return;
  tables.push({ alias: alias?.aliasname ?? name, relation: { schema, name }, use });
}

function readWritten({ written }: Draft, targets: readonly Node[]): void {
  for (const target of targets) {
    if (!("ResTarget" in target)) continue;
    const { name: column = "", val } = target.ResTarget;
    written.push({ column, value: simpleValue(val) });
  }
}

function readConditions(
  draft: Draft,
  condition: Node | undefined,
  restricts: readonly string[] | undefined,
  reading: Reading,
): void {
  for (const one of conjunctsOf(condition)) readCondition(draft, one, restricts, reading);
}

function readCondition(
  draft: Draft,
  node: Node,
  restricts: readonly string[] | undefined,
  reading: Reading,
): void {
  const equal = (left: Node | undefined, right: Node | undefined) => {
    const [one, other] = [valueFrom(draft, left, reading), valueFrom(draft, right, reading)];
    const [first, second] = one.in === undefined ? [one, other] : [other, one];
    const equality = { one: first.value, other: second.value, otherIn: second.in, restricts };
    draft.equalities.push(equality);
  };
  if ("A_Expr" in node) {
    const { kind, name = [], lexpr, rexpr } = node.A_Expr;
    const operator = name.at(-1);
    if (operator === undefined || !("String" in operator) || operator.String.sval !== "=") return;
    const single = rexpr !== undefined && "List" in rexpr ? rexpr.List.items : undefined;
    if (kind === "AEXPR_OP" || kind === "AEXPR_OP_ANY") equal(lexpr, rexpr);
    if (kind === "AEXPR_IN" && single?.length === 1) equal(lexpr, single[0]);
  } else if ("SubLink" in node) {
    const { subLinkType, testexpr, subselect, operName } = node.SubLink;
    const select = selectOf(subselect);
    if (select === undefined) return;
    if (subLinkType === "EXISTS_SUBLINK")
      readSelect(select, { ...draft.scope, within: draft.id, filters: true }, reading);
    if (subLinkType === "ANY_SUBLINK" && operName === undefined) equal(testexpr, node);
  }
}

/** A value, and the query below of which it is the only column. */
function valueFrom(
  draft: Draft,
  node: Node | undefined,
  reading: Reading,
): { readonly value: Value; readonly in: number | undefined } {
  const simple = bare(node);
  const link = simple !== undefined && "SubLink" in simple ? simple.SubLink : undefined;
  const select = selectOf(link?.subselect);
  if (link === undefined || select === undefined || link.subLinkType === "EXISTS_SUBLINK")
    return { value: simpleValue(node), in: undefined };
  const value = simpleValue(onlyTargetOf(select));
  const filters = link.subLinkType === "ANY_SUBLINK";
  const id = readSelect(select, { ...draft.scope, within: draft.id, filters }, reading);
  return { value: id === undefined ? { kind: "other" } : value, in: id };
}

/** Reads the queries anywhere below a node that were not read with its conditions. */
function readBelow(draft: Draft, node: unknown, reading: Reading): void {
  for (const one of within(node)) {
    if (!("SelectStmt" in one)) continue;
    const select = selectOf(one as Node);
    if (select === undefined) continue;
    readSelect(select, { ...draft.scope, within: draft.id, filters: false }, reading);
  }
}
