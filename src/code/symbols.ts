import ts from "typescript";
import type { Project } from "./project.ts";
import { type FunctionNode, isFunctionNode, unwrap, wrapped } from "./syntax.ts";

/** What names stand for, and where they are used. */
export type Symbols = {
  readonly project: Project;
  readonly checker: ts.TypeChecker;
  /** What a name stands for, through imports; undefined where it leads out of sight. */
  symbolOf(name: ts.Node): ts.Symbol | undefined;
  /** Every use of a name, its declaration among them. */
  usesOf(symbol: ts.Symbol, name: string): readonly ts.MemberName[];
  /** Every call of a function by its name. */
  callsOf(node: FunctionNode): readonly ts.CallExpression[];
  /** Where a function is handed on by its name: what calls it from there on is not seen. */
  handedOn(node: FunctionNode): readonly ts.MemberName[];
};

/** The names of a project; its files are read through once for it. */
export function symbolsOf(project: Project): Symbols {
  const { checker } = project;
  const identifiers = identifiersByName(project);

  const symbolOf = (name: ts.Node): ts.Symbol | undefined => {
    const { parent } = name;
    const symbol =
      parent !== undefined && ts.isShorthandPropertyAssignment(parent) && parent.name === name
        ? checker.getShorthandAssignmentValueSymbol(parent)
        : checker.getSymbolAtLocation(name);
    if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Alias) === 0) return symbol;
    const aliased = checker.getAliasedSymbol(symbol);
    // What cannot be resolved has no declarations: the import itself says more.
    return aliased.declarations === undefined ? symbol : aliased;
  };
  const usesOf = (symbol: ts.Symbol, name: string): readonly ts.MemberName[] => {
    const local = isLocal(symbol) ? symbol.declarations?.[0]?.getSourceFile() : undefined;
    const candidates = (identifiers.get(name) ?? []).filter(
      (identifier) => local === undefined || identifier.getSourceFile() === local,
    );
    return candidates.filter((identifier) => isSame(symbolOf(identifier), symbol));
  };
  let imported: ReadonlyMap<ts.Node, readonly string[]> | undefined;
  /** Its own name, and those of `import { load as read }` and `import anything`. */
  const namesOf = ({ declarations }: ts.Symbol, name: string): ReadonlySet<string> => {
    imported ??= importedNames(project, symbolOf);
    const [declaration] = declarations ?? [];
    return new Set([name, ...((declaration && imported.get(declaration)) ?? [])]);
  };
  type Uses = {
    readonly calls: readonly ts.CallExpression[];
    readonly handedOn: readonly ts.MemberName[];
  };
  const byFunction = new Map<FunctionNode, Uses>();
  const usesOfFunction = (node: FunctionNode): Uses => {
    const known = byFunction.get(node);
    if (known !== undefined) return known;
    const name = nameOfFunction(node);
    const symbol = name === undefined ? undefined : symbolOf(name);
    const uses =
      name === undefined || symbol === undefined
        ? []
        : [...namesOf(symbol, name.text)].flatMap((one) => usesOf(symbol, one));
    const found = {
      calls: uses.flatMap((use) => callBy(use) ?? []),
      handedOn: isNamedItself(node) ? uses.filter(isHandedOn) : [],
    };
    byFunction.set(node, found);
    return found;
  };
  const callsOf = (node: FunctionNode) => usesOfFunction(node).calls;
  const handedOn = (node: FunctionNode) => usesOfFunction(node).handedOn;
  return { project, checker, symbolOf, usesOf, callsOf, handedOn };
}

/** The names by which files import what others export, by its declaration. */
function importedNames(
  { files }: Project,
  symbolOf: Symbols["symbolOf"],
): ReadonlyMap<ts.Node, readonly string[]> {
  const found = new Map<ts.Node, string[]>();
  const add = (name: ts.Identifier) => {
    const declaration = symbolOf(name)?.declarations?.[0];
    if (declaration === undefined) return;
    const names = found.get(declaration);
    if (names === undefined) found.set(declaration, [name.text]);
    else names.push(name.text);
  };
  for (const statement of files.flatMap(({ source }) => [...source.statements])) {
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : undefined;
    if (clause?.name !== undefined) add(clause.name);
    const bindings = clause?.namedBindings;
    if (bindings !== undefined && ts.isNamedImports(bindings))
      for (const { name } of bindings.elements) add(name);
  }
  return found;
}

function identifiersByName({ files }: Project): ReadonlyMap<string, ts.MemberName[]> {
  const found = new Map<string, ts.MemberName[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isMemberName(node)) {
      const same = found.get(node.text);
      if (same === undefined) found.set(node.text, [node]);
      else same.push(node);
    }
    ts.forEachChild(node, visit);
  };
  for (const { source } of files) visit(source);
  return found;
}

/** A member of a class has another symbol where the class is instantiated; its declaration is one. */
function isSame(one: ts.Symbol | undefined, other: ts.Symbol): boolean {
  const [declaration] = other.declarations ?? [];
  return one === other || (declaration !== undefined && one?.declarations?.[0] === declaration);
}

/** A variable or parameter inside a function cannot be used in another file. */
function isLocal({ declarations }: ts.Symbol): boolean {
  const declaration = declarations?.[0];
  return (
    declaration !== undefined &&
    (ts.isVariableDeclaration(declaration) ||
      ts.isParameter(declaration) ||
      ts.isBindingElement(declaration)) &&
    ts.findAncestor(declaration.parent, isFunctionNode) !== undefined
  );
}

/** The name by which a function is called: its own, or that of what it is assigned to. */
export function nameOfFunction(node: FunctionNode): ts.Identifier | undefined {
  if (node.name !== undefined && ts.isIdentifier(node.name)) return node.name;
  let holder: ts.Node = wrapped(node).parent;
  // useCallback(async () => …), memo(…): the wrapper's result is called like the function.
  if (ts.isCallExpression(holder) && holder.arguments[0] === node) holder = holder.parent;
  if (
    (ts.isVariableDeclaration(holder) ||
      ts.isPropertyAssignment(holder) ||
      ts.isPropertyDeclaration(holder)) &&
    ts.isIdentifier(holder.name)
  )
    return holder.name;
  return undefined;
}

function callBy(use: ts.MemberName): ts.CallExpression | undefined {
  const method = use.parent;
  const callee =
    ts.isPropertyAccessExpression(method) && method.name === use ? wrapped(method) : wrapped(use);
  return ts.isCallExpression(callee.parent) && callee.parent.expression === callee
    ? callee.parent
    : undefined;
}

/** Whether a function's name is its own: that of `const rows = withClient(async (client) => …)` is the result's. */
function isNamedItself(node: FunctionNode): boolean {
  const { parent } = wrapped(node);
  return !ts.isCallExpression(parent) || hooks.test(parent.expression.getText());
}

const hooks = /^(React\.)?use[A-Z]/;

/** A use of a function's name as a value, with the object that it is taken from. */
function valueBy(use: ts.MemberName): ts.Node {
  const { parent } = use;
  return ts.isPropertyAccessExpression(parent) && parent.name === use ? parent : use;
}

/** Whether a use of a function's name is neither a call, a declaration nor a type. */
function isHandedOn(use: ts.MemberName): boolean {
  if (callBy(use) !== undefined) return false;
  const value = wrapped(valueBy(use));
  const { parent } = value;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === value)
    return ["bind", "call", "apply"].includes(parent.name.text);
  // An array of dependencies calls nothing.
  if (ts.isArrayLiteralExpression(parent))
    return !(ts.isCallExpression(parent.parent) && hooks.test(parent.parent.expression.getText()));
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const isDeclared =
    (ts.isFunctionLike(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isBindingElement(parent) ||
      ts.isPropertyAssignment(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent)) &&
    parent.name === value;
  const isOnItsWay =
    ts.isImportClause(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isExportSpecifier(parent) ||
    ts.isExportAssignment(parent);
  const isType = ts.isTypeQueryNode(parent) || ts.isQualifiedName(parent);
  return (
    !isDeclared &&
    !isOnItsWay &&
    !isType &&
    !ts.isJsxOpeningLikeElement(parent) &&
    !ts.isJsxClosingElement(parent)
  );
}

/** The function that a call leads to, where it can be seen. */
export function functionCalled(
  { symbolOf }: Symbols,
  call: ts.CallExpression,
): FunctionNode | undefined {
  const callee = unwrap(call.expression);
  if (isFunctionNode(callee)) return callee;
  const name = ts.isPropertyAccessExpression(callee) ? callee.name : callee;
  for (const declaration of symbolOf(name)?.declarations ?? []) {
    if (isFunctionNode(declaration)) return declaration;
    if (
      (ts.isVariableDeclaration(declaration) ||
        ts.isPropertyAssignment(declaration) ||
        ts.isPropertyDeclaration(declaration)) &&
      declaration.initializer !== undefined
    ) {
      const value = unwrap(declaration.initializer);
      if (isFunctionNode(value)) return value;
      const inner = ts.isCallExpression(value) ? value.arguments[0] : undefined;
      if (inner !== undefined && isFunctionNode(inner)) return inner;
    }
  }
  return undefined;
}

/**
 * What the calls of a function give for one of its parameters. Where the function is handed on, its own name
 * is among it: that is neither a text nor a client, so whoever follows it knows that not all is known.
 */
export function argumentsFor(
  symbols: Symbols,
  parameter: ts.ParameterDeclaration,
): readonly ts.Expression[] {
  const owner = parameter.parent;
  if (!isFunctionNode(owner)) return [];
  const index = owner.parameters.indexOf(parameter);
  const { calls, unseen } = callsGiving(symbols, owner);
  const given = [...calls.flatMap((call) => call.arguments?.[index] ?? []), ...unseen];
  return parameter.initializer === undefined ? given : [...given, parameter.initializer];
}

type Calls = {
  readonly calls: readonly (ts.CallExpression | ts.NewExpression)[];
  /** Where it goes out of sight. */
  readonly unseen: readonly ts.Expression[];
};

/** The calls of a function, also where it is given to another one that calls it. */
function callsGiving(symbols: Symbols, owner: FunctionNode): Calls {
  if (ts.isConstructorDeclaration(owner))
    return { calls: constructionsOf(symbols, owner), unseen: [] };
  const inside = callsByTaker(symbols, owner)?.calls ?? [];
  const handed = symbols.handedOn(owner).map((use) => {
    const taken = callsByTaker(symbols, valueBy(use));
    return taken ?? { calls: [], unseen: [use] };
  });
  return {
    calls: [...symbols.callsOf(owner), ...inside, ...handed.flatMap(({ calls }) => calls)],
    unseen: handed.flatMap(({ unseen }) => unseen).slice(0, 1),
  };
}

/** The calls of what a function of the project's is given, within it; undefined where it is no such. */
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
    unseen: uses.filter(isHandedOn).slice(0, 1),
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
