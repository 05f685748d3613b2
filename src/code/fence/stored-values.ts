import ts from "typescript";
import { keysOf } from "../queries/cache-key.ts";
import type { Inventory } from "../queries/inventory.ts";
import type { Cache } from "../queries/inventory-entry.ts";
import { valuesOf } from "../reading/property-values.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { everyNode, methodOf, returnedBy, unwrap } from "../reading/syntax.ts";

/** What a browser stores under a key. */
export type Stored =
  /** State of the user interface: a theme, what was dismissed, when. */
  | "interface"
  /** Rows of queries, or a key that is named like a tenant table. */
  | "tenants"
  | "unknown";

const longestWay = 6;
const known = new WeakMap<Inventory, ReadonlyMap<string, Stored>>();

/** Classifies a key of localStorage or sessionStorage by all values that any place stores under it. */
export function storedUnder(cache: Cache, inventory: Inventory): Stored {
  const byKey = known.get(inventory) ?? judgeKeys(inventory);
  known.set(inventory, byKey);
  const judged = keysOf(inventory.symbols, cache).map((key) => byKey.get(key) ?? "unknown");
  return together(judged);
}

function judgeKeys(inventory: Inventory): ReadonlyMap<string, Stored> {
  const { symbols, entries } = inventory;
  const written = new Map<string, Stored[]>();
  for (const entry of entries) {
    if (entry.kind !== "cache" || !/Storage$/.test(entry.store)) continue;
    const value = valueWritten(entry.node);
    for (const key of keysOf(symbols, entry)) {
      const same = written.get(key) ?? [];
      if (value !== undefined) same.push(judge(inventory, value, 0));
      else if (entry.method === "persist") same.push("unknown");
      written.set(key, same);
    }
  }
  const words = tenantWords(inventory);
  return new Map(
    [...written].map(([key, values]) => {
      const judged = together(values);
      const isNamed = wordsOf(key).some((word) => words.has(word));
      return [key, judged === "unknown" && isNamed ? "tenants" : judged];
    }),
  );
}

function together(values: readonly Stored[]): Stored {
  if (values.includes("tenants")) return "tenants";
  return values.length > 0 && values.every((one) => one === "interface") ? "interface" : "unknown";
}

/** The value of `setItem(key, value)` or `localStorage.key = value`. */
function valueWritten(node: ts.Expression): ts.Expression | undefined {
  if (ts.isCallExpression(node))
    return methodOf(node)?.name === "setItem" ? node.arguments[1] : undefined;
  const { parent } = node;
  return ts.isBinaryExpression(parent) && parent.left === node ? parent.right : undefined;
}

function judge(inventory: Inventory, value: ts.Expression, way: number): Stored {
  const { symbols } = inventory;
  const inner = unwrap(value);
  const further = (one: ts.Expression) => judge(inventory, one, way + 1);
  if (isOfInterface(symbols.checker, inner)) return "interface";
  if (way > longestWay) return "unknown";
  if (ts.isConditionalExpression(inner))
    return together([inner.whenTrue, inner.whenFalse].map(further));
  if (ts.isTemplateExpression(inner))
    return together(inner.templateSpans.map(({ expression }) => further(expression)));
  if (ts.isBinaryExpression(inner)) return together([inner.left, inner.right].map(further));
  if (ts.isObjectLiteralExpression(inner) || ts.isArrayLiteralExpression(inner))
    return ofLiteral(inner, further);
  if (ts.isCallExpression(inner)) return ofCall(inventory, inner, way);
  if (ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner))
    return further(inner.expression) === "tenants" ? "tenants" : "unknown";
  if (!ts.isIdentifier(inner)) return "unknown";
  const ofState = stateValues(symbols, inner);
  if (ofState !== undefined) return together(ofState.map(further));
  const [declaration] = symbols.symbolOf(inner)?.declarations ?? [];
  // A part of a result: `const { data } = useLeads()`.
  if (declaration !== undefined && ts.isBindingElement(declaration)) {
    const holder = ts.findAncestor(declaration, ts.isVariableDeclaration);
    const whole = holder?.initializer;
    return whole !== undefined && further(whole) === "tenants" ? "tenants" : "unknown";
  }
  return together(valuesOf(symbols, inner).map(further));
}

/** A literal, a boolean, a date, or one of a few strings that the code names. */
function isOfInterface(checker: ts.TypeChecker, value: ts.Expression): boolean {
  if (ts.isLiteralExpression(value) && !ts.isRegularExpressionLiteral(value)) return true;
  if (ts.isTypeOfExpression(value)) return true;
  const text = value.getText();
  if (/^(Date\.now\(\)|new Date\(\)(\.\w+\(.*\))?|performance\.now\(\))$/.test(text)) return true;
  const type = checker.getTypeAtLocation(value);
  const parts = type.isUnion() ? type.types : [type];
  const plain =
    ts.TypeFlags.BooleanLike |
    ts.TypeFlags.StringLiteral |
    ts.TypeFlags.NumberLiteral |
    ts.TypeFlags.EnumLiteral |
    ts.TypeFlags.Null |
    ts.TypeFlags.Undefined;
  return parts.every((part) => (part.flags & plain) !== 0 || part.symbol?.name === "Date");
}

function ofLiteral(
  literal: ts.ObjectLiteralExpression | ts.ArrayLiteralExpression,
  further: (one: ts.Expression) => Stored,
): Stored {
  if (ts.isArrayLiteralExpression(literal))
    return literal.elements.length === 0 ? "interface" : together(literal.elements.map(further));
  if (literal.properties.length === 0) return "interface";
  return together(
    literal.properties.map((property) => {
      if (ts.isPropertyAssignment(property)) return further(property.initializer);
      if (ts.isShorthandPropertyAssignment(property)) return further(property.name);
      return ts.isSpreadAssignment(property) ? further(property.expression) : "unknown";
    }),
  );
}

const formatting = /^(toString|toISOString|toJSON|getTime|valueOf|trim|slice|toLowerCase)$/;

function ofCall(inventory: Inventory, call: ts.CallExpression, way: number): Stored {
  const [first] = call.arguments;
  const callee = call.expression.getText();
  if (/^(JSON\.(stringify|parse)|String|Boolean|Number|structuredClone)$/.test(callee))
    return first === undefined ? "unknown" : judge(inventory, first, way + 1);
  if (asksTenants(inventory, call)) return "tenants";
  const method = methodOf(call);
  if (method !== undefined) {
    const on = judge(inventory, method.on, way + 1);
    return on === "tenants" || formatting.test(method.name) ? on : "unknown";
  }
  const called = functionCalled(inventory.symbols, call);
  if (called === undefined) return "unknown";
  if (asksTenants(inventory, called)) return "tenants";
  return together(returnedBy(called).map((one) => judge(inventory, one, way + 1)));
}

/** Whether it contains a query of a tenant table. */
function asksTenants({ entries, tables }: Inventory, node: ts.Node): boolean {
  const source = node.getSourceFile();
  return entries.some(
    (entry) =>
      entry.kind === "chain" &&
      entry.node.getSourceFile() === source &&
      entry.node.getStart() >= node.getStart() &&
      entry.node.getEnd() <= node.getEnd() &&
      entry.relations.some(tables.hasOrganization),
  );
}

/** The possible values of `const [value, setValue] = useState(first)`: the first one, and all that are set. */
function stateValues(symbols: Symbols, name: ts.Identifier): readonly ts.Expression[] | undefined {
  const [binding] = symbols.symbolOf(name)?.declarations ?? [];
  if (binding === undefined || !ts.isBindingElement(binding)) return undefined;
  const made = ts.isVariableDeclaration(binding.parent.parent)
    ? binding.parent.parent.initializer
    : undefined;
  if (made === undefined || !ts.isCallExpression(made)) return undefined;
  if (!/^(React\.)?useState$/.test(made.expression.getText())) return undefined;
  if (!ts.isArrayBindingPattern(binding.parent)) return undefined;
  const [first, setter] = binding.parent.elements;
  if (first !== binding) return undefined;
  const set: ts.Expression[] = [...made.arguments];
  if (setter !== undefined && ts.isBindingElement(setter) && ts.isIdentifier(setter.name)) {
    const symbol = symbols.symbolOf(setter.name);
    for (const use of symbol === undefined ? [] : symbols.usesOf(symbol, setter.name.text)) {
      if (use === setter.name) continue;
      // If the setter is passed on, any value may be set.
      if (!ts.isCallExpression(use.parent) || use.parent.expression !== use) set.push(use);
      else set.push(...use.parent.arguments);
    }
  }
  return set.flatMap((one) => {
    const inner = unwrap(one);
    return ts.isArrowFunction(inner)
      ? returnedBy(inner).filter((value) => !readsStorage(value))
      : [one];
  });
}

/** A value that was read from the storage was written there. */
function readsStorage(value: ts.Expression): boolean {
  let found = false;
  everyNode(value, (node) => {
    if (ts.isCallExpression(node) && methodOf(node)?.name === "getItem") found = true;
  });
  return found;
}

/** The names of tenant tables, plural and singular: leads, lead. */
function tenantWords({ project }: Inventory): ReadonlySet<string> {
  const { day1, day2 } = project.settings.tables;
  const names = [...day1, ...day2].map(({ relation }) => relation.name.toLowerCase());
  return new Set(
    names.flatMap((name) => [name, name.replace(/ies$/, "y"), name.replace(/s$/, "")]),
  );
}

/** The words of a key (`lead-draft`: lead, draft), and pairs of them, for table names of two words. */
function wordsOf(key: string): readonly string[] {
  const words = key
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  return words.flatMap((word, index) => [word, `${word}_${words[index + 1] ?? ""}`]);
}
