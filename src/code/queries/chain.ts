import ts from "typescript";
import type { RelationName } from "../../postgres/sql.ts";
import { clientsOf, leastBound } from "../clients/client.ts";
import { schemasOf } from "../clients/client-schema.ts";
import { type Annotations, annotationFor } from "../reading/annotation.ts";
import {
  functionReturning,
  laterCallsOf,
  laterFilters,
  usesAfter,
  variableFor,
} from "../reading/later-calls.ts";
import type { CodeFile } from "../reading/project.ts";
import type { Symbols } from "../reading/symbols.ts";
import { callsBehind, methodOf, type SourcePlace, shortText, unwrap } from "../reading/syntax.ts";
import { stringsOf, type Tables } from "../reading/table-name.ts";
import { selectionOf } from "./embeds.ts";
import { filtersOf } from "./filters.ts";
import { type Chain, type Operation, operations } from "./inventory-entry.ts";
import { payloadOf } from "./payload.ts";
import type { TenantTables } from "./tenant-tables.ts";

export type FileContext = {
  readonly symbols: Symbols;
  readonly tables: TenantTables;
  readonly annotations: Annotations;
  readonly file: CodeFile;
};

/** Objects whose `from` is not a query. */
export const notClients =
  /^(Array|Object|Buffer|String|Map|Set|\w*Array|Iterator|AsyncIterator|Readable|Observable|Temporal\.\w+)$/;

/** The queries that begin at a call of `from`; none if it is not called on a client. */
export function chainsFrom(context: FileContext, call: ts.CallExpression): Chain[] {
  const method = methodOf(call);
  const [argument] = call.arguments;
  if (method?.name !== "from" || argument === undefined) return [];
  const receiver = unwrap(method.on);
  if (notClients.test(receiver.getText())) return [];
  if (ts.isPropertyAccessExpression(receiver) && receiver.name.text === "storage") return [];
  const client = leastBound(clientsOf(context.symbols, method.on));
  const begun = {
    from: call,
    client,
    schemas: schemasOf(context.symbols, receiver),
    seen: new Map(),
  };
  const found = grow(context, begun, { head: call, named: argument });
  // A function that returns a table, and that only calls itself.
  const chains =
    found.length > 0
      ? found
      : [chainAt(context, begun, call, stringsOf(context.symbols, argument))];
  const isQuery = client.kind !== "unknown" || chains.some(({ operation }) => operation !== "none");
  return isQuery ? chains : [];
}

type Begun = {
  readonly from: ts.CallExpression;
  readonly client: Chain["client"];
  readonly schemas: readonly string[];
  /** Nodes that were followed already: a recursive function would come again. */
  readonly seen: Map<ts.Expression, Set<ts.Expression>>;
};

/** An expression that is a table. */
type TableAt = {
  readonly head: ts.Expression;
  /** The expression of the table's name. */
  readonly named: ts.Expression;
};

/** Follows an expression that is a table to the operations on it; empty where that was done before. */
function grow(context: FileContext, begun: Begun, { head, named }: TableAt): Chain[] {
  const { symbols } = context;
  const before = begun.seen.get(head) ?? new Set();
  if (before.has(named)) return [];
  begun.seen.set(head, before.add(named));
  const here = () => [chainAt(context, begun, head, stringsOf(symbols, named))];
  const { calls, end } = callsBehind(head);
  if (calls.some(({ name }) => isOperation(name))) return here();
  const variable = variableFor(end);
  if (variable === undefined) return behindFactory(context, begun, { head: end, named }) ?? here();
  const uses = usesAfter(symbols, variable).filter((use) => callsBehind(use).calls.length > 0);
  return uses.length === 0
    ? here()
    : uses.flatMap((use) => grow(context, begun, { head: use, named }));
}

/**
 * A function that returns a table: each of its calls is a query. Undefined where it is not such a function,
 * or where no call uses the result.
 */
function behindFactory(
  context: FileContext,
  begun: Begun,
  { head: end, named }: TableAt,
): Chain[] | undefined {
  const { symbols } = context;
  const factory = functionReturning(end);
  if (factory === undefined) return undefined;
  const [declaration] = symbols.symbolOf(unwrap(named))?.declarations ?? [];
  const isParameter = declaration !== undefined && ts.isParameter(declaration);
  const position = isParameter ? factory.parameters.indexOf(declaration) : -1;
  const [handed] = symbols.passedOn(factory);
  const unseen =
    handed === undefined
      ? []
      : [chainAt(context, begun, end, { kind: "unresolved", text: shortText(handed) })];
  const seen = symbols.callsOf(factory).flatMap((call) => {
    const file = symbols.fileOf(call);
    const given = position === -1 ? named : call.arguments[position];
    return file === undefined || given === undefined ? [] : [{ file, head: call, named: given }];
  });
  return unseen.length + seen.length === 0
    ? undefined
    : [...unseen, ...seen.flatMap(({ file, ...at }) => grow({ ...context, file }, begun, at))];
}

function chainAt(
  { symbols, tables, annotations, file }: FileContext,
  { client, schemas }: Begun,
  head: ts.Expression,
  names: Tables,
): Chain {
  const { calls, end } = callsBehind(head);
  const first = calls.find(({ name }) => isOperation(name));
  const operation = first !== undefined && isOperation(first.name) ? first.name : "none";
  const column = symbols.project.settings.names.organizationColumn;
  const [argument] = first?.call.arguments ?? [];
  const writes = ["insert", "upsert", "update"].includes(operation);
  const columns = calls.findLast(({ name }) => name === "select")?.call.arguments[0];
  const later = laterCallsOf(symbols, end);
  return {
    kind: "chain",
    place: placeOf(file, head),
    part: file.part,
    node: end,
    annotation: annotationFor(annotations, file, end),
    client,
    tables: names,
    relations:
      names.kind === "known" ? names.names.flatMap((name) => inSchemas(name, schemas, tables)) : [],
    operation,
    operationCall: first?.call,
    payload: writes && argument !== undefined ? payloadOf(symbols, argument, column) : undefined,
    filters: [...filtersOf(symbols, calls), ...laterFilters(symbols, later)],
    selection: selectionOf(symbols, columns),
    later,
  };
}

/** The relations of a name: several where the client can have different schemas. */
function inSchemas(
  name: string,
  schemas: readonly string[],
  { relationOf }: TenantTables,
): RelationName[] {
  return schemas.length === 0
    ? [relationOf(name)]
    : schemas.map((schema) => relationOf(name, schema));
}

function isOperation(name: string): name is Operation {
  return operations.some((operation) => operation === name);
}

/** The place of an expression: its last name, not the object before it. */
export function placeOf({ source, name }: CodeFile, node: ts.Node): SourcePlace {
  const at =
    ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      ? node.expression.name
      : node;
  const { line, character } = source.getLineAndCharacterOfPosition(at.getStart());
  return { file: name, line: line + 1, column: character + 1 };
}
