import ts from "typescript";
import { type Annotations, annotationFor } from "./annotation.ts";
import { clientsOf, leastBound } from "./client.ts";
import { schemaOf } from "./client-schema.ts";
import { selectionOf } from "./embeds.ts";
import { type Chain, type Operation, operations } from "./entry.ts";
import { filtersOf } from "./filters.ts";
import {
  functionReturning,
  laterCallsOf,
  laterFilters,
  usesAfter,
  variableFor,
} from "./later-calls.ts";
import { payloadOf } from "./payload.ts";
import type { CodeFile } from "./project.ts";
import type { Symbols } from "./symbols.ts";
import { callsBehind, isFunctionNode, methodOf, type Place, shortText, unwrap } from "./syntax.ts";
import { stringsOf, type Tables } from "./table-name.ts";
import type { TenantTables } from "./tenant-tables.ts";

export type Surroundings = {
  readonly symbols: Symbols;
  readonly tables: TenantTables;
  readonly annotations: Annotations;
  readonly file: CodeFile;
};

/** These have a `from` that is no query's. */
export const notClients =
  /^(Array|Object|Buffer|String|Map|Set|\w*Array|Iterator|AsyncIterator|Readable|Observable|Temporal\.\w+)$/;

/** The queries that begin at a call of `from`; none where it is no client's. */
export function chainsFrom(around: Surroundings, call: ts.CallExpression): Chain[] {
  const method = methodOf(call);
  const [argument] = call.arguments;
  if (method?.name !== "from" || argument === undefined) return [];
  const receiver = unwrap(method.on);
  if (notClients.test(receiver.getText())) return [];
  if (ts.isPropertyAccessExpression(receiver) && receiver.name.text === "storage") return [];
  const client = leastBound(clientsOf(around.symbols, method.on));
  const begun = { from: call, client, schema: schemaOf(around.symbols, receiver) };
  const chains = grow(around, begun, call, () => stringsOf(around.symbols, argument), 0);
  const isQuery = client.kind !== "unknown" || chains.some(({ operation }) => operation !== "none");
  return isQuery ? chains : [];
}

type Begun = {
  readonly from: ts.CallExpression;
  readonly client: Chain["client"];
  readonly schema: string | undefined;
};

/** Goes on behind an expression that is a table, to the operations on it. */
function grow(
  around: Surroundings,
  begun: Begun,
  head: ts.Expression,
  tablesOf: () => Tables,
  way: number,
): Chain[] {
  const { symbols } = around;
  const { calls, end } = callsBehind(head);
  if (calls.some(({ name }) => isOperation(name)))
    return [chainAt(around, begun, head, tablesOf())];
  const variable = variableFor(end);
  const further =
    way > 3
      ? []
      : variable !== undefined
        ? usesAfter(symbols, variable).flatMap((use) =>
            callsBehind(use).calls.length === 0 ? [] : grow(around, begun, use, tablesOf, way + 1),
          )
        : behindFactory(around, begun, end, way);
  return further.length > 0 ? further : [chainAt(around, begun, head, tablesOf())];
}

/** A function that gives a table back: each of its calls is a query of its own. */
function behindFactory(
  around: Surroundings,
  begun: Begun,
  end: ts.Expression,
  way: number,
): Chain[] {
  const { symbols } = around;
  const factory = functionReturning(end);
  if (factory === undefined) return [];
  const [argument] = begun.from.arguments;
  const name = argument === undefined ? undefined : unwrap(argument);
  const [declaration] = name === undefined ? [] : (symbols.symbolOf(name)?.declarations ?? []);
  const position =
    declaration !== undefined && ts.isParameter(declaration) && isFunctionNode(declaration.parent)
      ? declaration.parent.parameters.indexOf(declaration)
      : -1;
  const [handed] = symbols.handedOn(factory);
  const unseen =
    handed === undefined
      ? []
      : [chainAt(around, begun, end, { kind: "unresolved", text: shortText(handed) })];
  const seen = symbols.callsOf(factory).flatMap((call) => {
    const file = symbols.project.files.find(({ source }) => source === call.getSourceFile());
    const given = position === -1 ? argument : call.arguments[position];
    if (file === undefined || given === undefined) return [];
    return grow({ ...around, file }, begun, call, () => stringsOf(symbols, given), way + 1);
  });
  return [...unseen, ...seen];
}

function chainAt(
  { symbols, tables, annotations, file }: Surroundings,
  { client, schema }: Begun,
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
      names.kind === "known" ? names.names.map((name) => tables.relationOf(name, schema)) : [],
    operation,
    operationCall: first?.call,
    payload: writes && argument !== undefined ? payloadOf(symbols, argument, column) : undefined,
    filters: [...filtersOf(symbols, calls), ...laterFilters(symbols, later)],
    selection: selectionOf(symbols, columns),
    later,
  };
}

function isOperation(name: string): name is Operation {
  return operations.some((operation) => operation === name);
}

/** Where an expression begins to be what it is: at its last name, not at the object it hangs on. */
export function placeOf({ source, name }: CodeFile, node: ts.Node): Place {
  const at =
    ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      ? node.expression.name
      : node;
  const { line, character } = source.getLineAndCharacterOfPosition(at.getStart());
  return { file: name, line: line + 1, column: character + 1 };
}
