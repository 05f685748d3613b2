import ts from "typescript";
import { memoize } from "./memoize.ts";
import { callBy, functionCalled, isPassedOn, type Symbols, valueBy } from "./symbols.ts";
import { type FunctionNode, isFunctionNode, unwrap, wrapped } from "./syntax.ts";

/**
 * The arguments that the calls of a function pass for one of its parameters. Where the function is passed on
 * as a value, its own name is among them: it is neither a string nor a client, which shows that not all
 * arguments are known.
 */
export function argumentsFor(
  symbols: Symbols,
  parameter: ts.ParameterDeclaration,
): readonly ts.Expression[] {
  return argumentsIn(symbols)(parameter);
}

const argumentsIn = memoize((symbols: Symbols) =>
  memoize((parameter: ts.ParameterDeclaration) => argumentsOf(symbols, parameter)),
);
const callsIn = memoize((symbols: Symbols) =>
  memoize((owner: FunctionNode) => callsGiving(symbols, owner)),
);

function argumentsOf(
  symbols: Symbols,
  parameter: ts.ParameterDeclaration,
): readonly ts.Expression[] {
  const owner = parameter.parent;
  if (!isFunctionNode(owner)) return [];
  const index = owner.parameters.indexOf(parameter);
  const { calls, unseen } = callsIn(symbols)(owner);
  const given = [...calls.flatMap((call) => call.arguments?.[index] ?? []), ...unseen];
  return parameter.initializer === undefined ? given : [...given, parameter.initializer];
}

type Calls = {
  readonly calls: readonly (ts.CallExpression | ts.NewExpression)[];
  /** Uses that cannot be followed. */
  readonly unseen: readonly ts.Expression[];
};

/** The calls of a function, also by another function that gets it as an argument. */
function callsGiving(symbols: Symbols, owner: FunctionNode): Calls {
  if (ts.isConstructorDeclaration(owner))
    return { calls: constructionsOf(symbols, owner), unseen: [] };
  const inside = callsByTaker(symbols, owner)?.calls ?? [];
  const handed = symbols.passedOn(owner).map((use) => {
    const taken = callsByTaker(symbols, valueBy(use));
    return taken ?? { calls: [], unseen: [use] };
  });
  return {
    calls: [...symbols.callsOf(owner), ...inside, ...handed.flatMap(({ calls }) => calls)],
    unseen: handed.flatMap(({ unseen }) => unseen).slice(0, 1),
  };
}

/** The calls of an argument in the called function; undefined if that is not a function of the project. */
function callsByTaker(symbols: Symbols, given: ts.Node): Calls | undefined {
  const call = wrapped(given).parent;
  if (!ts.isCallExpression(call)) return undefined;
  const position = call.arguments.findIndex((argument) => unwrap(argument) === given);
  const taker = functionCalled(symbols, call)?.parameters[position];
  if (taker === undefined || !ts.isIdentifier(taker.name)) return undefined;
  const symbol = symbols.symbolOf(taker.name);
  const uses = symbol === undefined ? [] : symbols.usesOf(symbol, taker.name.text);
  return {
    calls: uses.flatMap((use) => callBy(use) ?? []),
    unseen: uses.filter(isPassedOn).slice(0, 1),
  };
}

/** `new Dialer(client)` */
function constructionsOf(
  symbols: Symbols,
  { parent }: ts.ConstructorDeclaration,
): readonly ts.NewExpression[] {
  const symbol = parent.name === undefined ? undefined : symbols.symbolOf(parent.name);
  if (parent.name === undefined || symbol === undefined) return [];
  return symbols
    .usesOf(symbol, parent.name.text)
    .flatMap((use) => (ts.isNewExpression(use.parent) ? [use.parent] : []));
}
