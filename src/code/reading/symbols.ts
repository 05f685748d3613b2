import ts from "typescript";
import { memoize } from "./memoize.ts";
import { usesIn } from "./name-uses.ts";
import type { CodeFile, Project } from "./project.ts";
import { type FunctionNode, isFunctionNode, unwrap, wrapped } from "./syntax.ts";

/** The symbols of names, and their uses. */
export type Symbols = {
  readonly project: Project;
  readonly checker: ts.TypeChecker;
  /** The project's file that contains a node; undefined where it is another file. */
  fileOf(node: ts.Node): CodeFile | undefined;
  /** The symbol of a name, through imports; undefined where it cannot be followed. */
  symbolOf(name: ts.Node): ts.Symbol | undefined;
  /** Every use of a name, including its declaration. */
  usesOf(symbol: ts.Symbol, name: string): readonly ts.MemberName[];
  /** Every call of a function by its name. */
  callsOf(node: FunctionNode): readonly ts.CallExpression[];
  /** Where a function is passed on as a value: the calls from there are not known. */
  passedOn(node: FunctionNode): readonly ts.MemberName[];
};

/** The symbols of a project; its files are read once. */
export function symbolsOf(project: Project): Symbols {
  const { checker } = project;
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
  const usesOf = usesIn(project, symbolOf);
  let imported: ReadonlyMap<ts.Node, readonly string[]> | undefined;
  /** Its own name, and those of `import { load as read }` and `import anything`. */
  const namesOf = ({ declarations }: ts.Symbol, name: string): ReadonlySet<string> => {
    imported ??= importedNames(project, symbolOf);
    const [declaration] = declarations ?? [];
    return new Set([name, ...((declaration && imported.get(declaration)) ?? [])]);
  };
  type Uses = {
    readonly calls: readonly ts.CallExpression[];
    readonly passedOn: readonly ts.MemberName[];
  };
  const usesOfFunction = memoize((node: FunctionNode): Uses => {
    const name = nameOfFunction(node);
    const symbol = name === undefined ? undefined : symbolOf(name);
    const uses =
      name === undefined || symbol === undefined
        ? []
        : [...namesOf(symbol, name.text)].flatMap((one) => usesOf(symbol, one));
    return {
      calls: uses.flatMap((use) => callBy(use) ?? []),
      passedOn: isNamedItself(node) ? uses.filter(isPassedOn) : [],
    };
  });
  const callsOf = (node: FunctionNode) => usesOfFunction(node).calls;
  const passedOn = (node: FunctionNode) => usesOfFunction(node).passedOn;
  const bySource = new Map(project.files.map((file) => [file.source, file]));
  const fileOf = (node: ts.Node) => bySource.get(node.getSourceFile());
  return { project, checker, fileOf, symbolOf, usesOf, callsOf, passedOn };
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

/** The name of a function: its own, or that of the variable that it is assigned to. */
export function nameOfFunction(node: FunctionNode): ts.Identifier | undefined {
  if (node.name !== undefined && ts.isIdentifier(node.name)) return node.name;
  let holder: ts.Node = wrapped(node).parent;
  // useCallback(async () => …), memo(…): the variable holds the wrapper's result, and names the function.
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

/** The call whose callee is this use of a function's name. */
export function callBy(use: ts.MemberName): ts.CallExpression | undefined {
  const method = use.parent;
  const callee =
    ts.isPropertyAccessExpression(method) && method.name === use ? wrapped(method) : wrapped(use);
  return ts.isCallExpression(callee.parent) && callee.parent.expression === callee
    ? callee.parent
    : undefined;
}

/** Whether a name is the function's: in `const rows = withClient(async (client) => …)` it is the result's. */
function isNamedItself(node: FunctionNode): boolean {
  const { parent } = wrapped(node);
  return !ts.isCallExpression(parent) || hooks.test(parent.expression.getText());
}

const hooks = /^(React\.)?use[A-Z]/;

/** A use of a function's name as a value, with the object before it. */
export function valueBy(use: ts.MemberName): ts.Node {
  const { parent } = use;
  return ts.isPropertyAccessExpression(parent) && parent.name === use ? parent : use;
}

/** Whether a use of a function's name is neither a call, a declaration nor a type. */
export function isPassedOn(use: ts.MemberName): boolean {
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

/** The function that is called, where it can be followed. */
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
