import ts from "typescript";
import type { Project } from "../reading/project.ts";
import { everyNode, methodOf, unwrap } from "../reading/syntax.ts";

/** What the application renders first: the argument of `createRoot(…).render`, or Next's outermost file. */
export type EntryPoint =
  | { readonly kind: "rendered"; readonly element: ts.Expression }
  | { readonly kind: "by file"; readonly component: ts.Node };

const nextFiles = /(^|\/)(app\/layout|pages\/_app)\.[jt]sx$/;

/** All entry points of the application, in the order of its files. */
export function entryPointsOf({ files }: Project): readonly EntryPoint[] {
  return files
    .filter(({ part }) => part === "app")
    .flatMap(({ source, name }) => {
      const found: EntryPoint[] = [];
      everyNode(source, (node) => {
        const element = elementRendered(node);
        if (element !== undefined) found.push({ kind: "rendered", element });
      });
      const component = nextFiles.test(name) ? defaultOf(source) : undefined;
      return component === undefined ? found : [...found, { kind: "by file", component }];
    });
}

/** Whether a call renders its argument into the page. */
export function isRendered(node: ts.Node): boolean {
  return elementRendered(node) !== undefined;
}

/** `createRoot(…).render(<App />)`, `root.render(<App />)`, `hydrateRoot(…, <App />)`, `ReactDOM.render(<App />, …)` */
function elementRendered(node: ts.Node): ts.Expression | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const method = methodOf(node);
  const name = ts.isIdentifier(node.expression) ? node.expression.text : method?.name;
  const [first, second] = node.arguments;
  if (name === "hydrateRoot") return second;
  if (name !== "render" && name !== "hydrate") return undefined;
  if (method === undefined) return isImportedFromDom(node) ? first : undefined;
  if (/^ReactDOM$/i.test(method.on.getText())) return first;
  return isRoot(method.on) ? first : undefined;
}

function isImportedFromDom(node: ts.CallExpression): boolean {
  return /from\s+["']react-dom["']/.test(node.getSourceFile().text);
}

/** `createRoot(…)`, or a name that has its result in this file. */
function isRoot(expression: ts.Expression): boolean {
  const inner = unwrap(expression);
  if (ts.isCallExpression(inner)) return /(^|\.)createRoot$/.test(inner.expression.getText());
  if (!ts.isIdentifier(inner)) return false;
  let found = false;
  everyNode(inner.getSourceFile(), (node) => {
    const value =
      ts.isVariableDeclaration(node) && node.name.getText() === inner.text
        ? node.initializer
        : ts.isBinaryExpression(node) && node.left.getText() === inner.text
          ? node.right
          : undefined;
    if (value !== undefined && /\bcreateRoot\(/.test(value.getText())) found = true;
  });
  return found;
}

function defaultOf(source: ts.SourceFile): ts.Node | undefined {
  return source.statements.find(
    (statement) =>
      ts.isExportAssignment(statement) ||
      (ts.isFunctionDeclaration(statement) &&
        (ts.getCombinedModifierFlags(statement) & ts.ModifierFlags.Default) !== 0),
  );
}
