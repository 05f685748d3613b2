import ts from "typescript";
import type { Symbols } from "../reading/symbols.ts";
import { everyNode, type FunctionNode, isFunctionNode, unwrap } from "../reading/syntax.ts";

/** A component of the application: a function or a class. */
export type Component = FunctionNode | ts.ClassLikeDeclaration;

const longestWay = 8;

/**
 * The application's component that a tag or value refers to: through imports, `memo`, `forwardRef`,
 * `lazy` and other wrappers. Undefined for a library's component, and for one that is known at run time only.
 */
export function componentOf(
  symbols: Symbols,
  expression: ts.Expression | ts.JsxTagNameExpression,
  way = 0,
): Component | undefined {
  if (way > longestWay || ts.isJsxNamespacedName(expression)) return undefined;
  const inner = unwrap(expression);
  if (isFunctionNode(inner) || ts.isClassLike(inner)) return inner;
  if (ts.isCallExpression(inner)) return ofWrapper(symbols, inner, way);
  const name = ts.isPropertyAccessExpression(inner) ? inner.name : inner;
  return ts.isMemberName(name) ? ofSymbol(symbols, symbols.symbolOf(name), way) : undefined;
}

/** The component that a declaration declares. */
export function declaredComponent(
  symbols: Symbols,
  declaration: ts.Node,
  way = 0,
): Component | undefined {
  if (isFunctionNode(declaration) || ts.isClassLike(declaration)) return declaration;
  if (ts.isExportAssignment(declaration))
    return componentOf(symbols, declaration.expression, way + 1);
  const isHolder = ts.isVariableDeclaration(declaration) || ts.isPropertyAssignment(declaration);
  return isHolder && declaration.initializer !== undefined
    ? componentOf(symbols, declaration.initializer, way + 1)
    : undefined;
}

function ofSymbol(
  symbols: Symbols,
  symbol: ts.Symbol | undefined,
  way: number,
): Component | undefined {
  for (const declaration of symbol?.declarations ?? []) {
    const found = declaredComponent(symbols, declaration, way);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `memo(Page)`, `forwardRef((props, ref) => …)`, `lazy(() => import("./Page"))`, `withLayout(Page)` */
function ofWrapper(symbols: Symbols, call: ts.CallExpression, way: number): Component | undefined {
  for (const argument of call.arguments) {
    const imported = importedBy(argument);
    if (imported !== undefined) return ofImport(symbols, imported, argument, way);
    const found = componentOf(symbols, argument, way + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The `import("./Page")` of a function that contains only that. */
export function importedBy(node: ts.Node): ts.CallExpression | undefined {
  if (!ts.isFunctionLike(node)) return undefined;
  let found: ts.CallExpression | undefined;
  everyNode(node, (inner) => {
    const isImport =
      ts.isCallExpression(inner) && inner.expression.kind === ts.SyntaxKind.ImportKeyword;
    if (isImport) found ??= inner;
  });
  return found;
}

/** The component of a lazily imported module: its default, or what `.then` makes the default. */
function ofImport(
  symbols: Symbols,
  imported: ts.CallExpression,
  around: ts.Node,
  way: number,
): Component | undefined {
  let name = "default";
  everyNode(around, (node) => {
    if (!ts.isPropertyAssignment(node) || node.name.getText() !== "default") return;
    if (ts.isPropertyAccessExpression(node.initializer)) name = node.initializer.name.text;
  });
  return exportedComponent(symbols, imported, name, way);
}

/** A component that an imported module exports by this name. */
export function exportedComponent(
  symbols: Symbols,
  imported: ts.CallExpression,
  name: string,
  way = 0,
): Component | undefined {
  const [specifier] = imported.arguments;
  const { checker } = symbols;
  const module = specifier && checker.getSymbolAtLocation(specifier);
  if (module === undefined) return undefined;
  const exported = checker.getExportsOfModule(module).find((one) => one.name === name);
  if (exported === undefined) return undefined;
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  return ofSymbol(symbols, isAlias ? checker.getAliasedSymbol(exported) : exported, way + 1);
}

export type LibraryName = { readonly from: string; readonly name: string };

/** The name of an import in its package, whatever its local name is. */
export function libraryName(symbols: Symbols, node: ts.Node): LibraryName | undefined {
  const isMember = ts.isPropertyAccessExpression(node);
  const root = isMember ? node.expression : node;
  if (!ts.isIdentifier(root)) return undefined;
  const [declaration] = symbols.checker.getSymbolAtLocation(root)?.declarations ?? [];
  const statement = declaration && ts.findAncestor(declaration, ts.isImportDeclaration);
  if (statement === undefined || !ts.isStringLiteral(statement.moduleSpecifier)) return undefined;
  const from = statement.moduleSpecifier.text;
  if (isMember) return { from, name: node.name.text };
  const name =
    declaration !== undefined && ts.isImportSpecifier(declaration)
      ? (declaration.propertyName ?? declaration.name).text
      : root.text;
  return { from, name };
}
