import ts from "typescript";
import type { Settings } from "../../config/settings.ts";
import type { OrganizationHere } from "../organization.ts";
import { functionAround } from "../syntax.ts";
import { type Edit, indentAt, insertion, lineEnd, quotedLike } from "./edit.ts";

type Hook = NonNullable<Settings["code"]["app"]["hook"]>;

/** What makes the organization known at a place: the hook's call, its import, dependencies. */
export function introduce(
  here: Exclude<OrganizationHere, { kind: "none" }>,
  node: ts.Node,
  hook: Hook | undefined,
): Edit[] {
  const [root = here.text] = here.text.split(".");
  const owner =
    here.kind === "by hook"
      ? here.body.parent
      : here.declaration === undefined
        ? undefined
        : functionAround(here.declaration);
  const dependencies = owner === undefined ? [] : addDependencies(node, owner, root);
  if (here.kind === "in scope" || hook === undefined) return dependencies;
  return [...importHook(node.getSourceFile(), hook), callHook(here, hook), ...dependencies];
}

/** `const { organizationId } = useOrganization();` as the component's first statement. */
function callHook(
  { body, text }: Extract<OrganizationHere, { kind: "by hook" }>,
  hook: Hook,
): Edit {
  const source = body.getSourceFile();
  const [first] = body.statements;
  const end = first === undefined || first.getText().endsWith(";") ? ";" : "";
  const statement = `const { ${text} } = ${hook.name}()${end}`;
  const open = body.getStart() + 1;
  const between = first === undefined ? "" : source.text.slice(open, first.getStart());
  const line = between.includes("\n")
    ? `${lineEnd(source)}${indentAt(source, first?.getStart() ?? open)}${statement}`
    : ` ${statement}${end === "" ? ";" : ""}`;
  return { ...insertion(source, open, line), isShared: true };
}

function importHook(source: ts.SourceFile, { name, from }: Hook): Edit[] {
  const imports = source.statements.filter(ts.isImportDeclaration);
  const isThere = source.statements.some(
    (statement) =>
      (ts.isImportDeclaration(statement) && importsName(statement, name)) ||
      (ts.isFunctionDeclaration(statement) && statement.name?.text === name),
  );
  if (isThere) return [];
  // "use client" stays the first.
  const directives = source.statements.filter(
    (statement) => ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression),
  );
  const last = imports.at(-1) ?? directives.at(-1);
  const end = last === undefined || last.getText().endsWith(";") ? ";" : "";
  const text = `import { ${name} } from ${quotedLike(source, undefined, from)}${end}`;
  const edit =
    last === undefined
      ? insertion(source, source.statements[0]?.getStart() ?? 0, `${text}${lineEnd(source)}`)
      : insertion(source, last.getEnd(), `${lineEnd(source)}${text}`);
  return [{ ...edit, isShared: true }];
}

function importsName({ importClause }: ts.ImportDeclaration, name: string): boolean {
  const bindings = importClause?.namedBindings;
  return (
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.some((element) => element.name.text === name)
  );
}

const withDependencies = /^(React\.)?use(Effect|LayoutEffect|InsertionEffect|Callback|Memo)$/;

/** A callback that is kept from an earlier rendering would go on with an earlier organization. */
function addDependencies(node: ts.Node, owner: ts.Node, root: string): Edit[] {
  const found: Edit[] = [];
  for (
    let around: ts.Node = node;
    around !== owner && around !== undefined;
    around = around.parent
  ) {
    const { parent } = around;
    if (parent === undefined || !ts.isCallExpression(parent)) continue;
    const [callback, list] = parent.arguments;
    if (callback !== around || !withDependencies.test(parent.expression.getText())) continue;
    if (list === undefined || !ts.isArrayLiteralExpression(list)) continue;
    if (list.elements.some((element) => element.getText() === root)) continue;
    const last = list.elements.at(-1);
    const edit =
      last === undefined
        ? insertion(list.getSourceFile(), list.getEnd() - 1, root)
        : insertion(list.getSourceFile(), last.getEnd(), `, ${root}`);
    found.push({ ...edit, isShared: true });
  }
  return found;
}
