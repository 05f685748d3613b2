import ts from "typescript";
import type { Project } from "../project.ts";
import { type Edit, insertion, lineEnd, quotedLike } from "../rewrite/edit.ts";
import { everyNode } from "../syntax.ts";
import { specifierFor } from "./conventions.ts";

const provider = "OrganizationProvider";

/**
 * Puts the provider round `<App />` where the application is rendered: within whatever stands round it
 * already, such as React Query's provider, which it asks.
 * @returns the edits, or why there are none
 */
export function wrapRoot(
  project: Project,
  context: string,
): readonly Edit[] | { readonly reason: string } {
  const roots = project.files
    .filter(({ part }) => part === "app")
    .flatMap(({ source }) => renderedIn(source).map((element) => ({ source, element })));
  const [root] = roots;
  if (root === undefined) {
    return { reason: `no createRoot(…).render(<App />) was found: put <${provider}> round it` };
  }
  if (roots.length > 1) {
    return {
      reason: `the application is rendered in several places: put <${provider}> round each`,
    };
  }
  const { source, element } = root;
  if (project.files.some((file) => file.source.text.includes(`<${provider}`))) return [];
  const statement = source.statements.filter(ts.isImportDeclaration).at(-1);
  const end = statement?.getText().endsWith(";") === false ? "" : ";";
  const from = quotedLike(
    source,
    undefined,
    specifierFor(project, `${context}.tsx`, source.fileName),
  );
  const text = `import { ${provider} } from ${from}${end}`;
  const imported =
    statement === undefined
      ? insertion(source, 0, `${text}${lineEnd(source)}`)
      : insertion(source, statement.getEnd(), `${lineEnd(source)}${text}`);
  return [
    imported,
    insertion(source, element.getStart(), `<${provider}>`),
    insertion(source, element.getEnd(), `</${provider}>`),
  ];
}

/** `<App />` in what is rendered, wherever it stands in it. */
function renderedIn(source: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  everyNode(source, (node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    if (node.expression.name.text !== "render") return;
    if (!node.expression.expression.getText().includes("createRoot") && !isRoot(node)) return;
    for (const argument of node.arguments) {
      everyNode(argument, (inner) => {
        const name = ts.isJsxSelfClosingElement(inner)
          ? inner.tagName
          : ts.isJsxElement(inner)
            ? inner.openingElement.tagName
            : undefined;
        if (name?.getText() === "App") found.push(inner);
      });
    }
  });
  return found;
}

/** `root.render(…)` */
function isRoot({ expression }: ts.CallExpression): boolean {
  return ts.isPropertyAccessExpression(expression) && expression.expression.getText() === "root";
}
