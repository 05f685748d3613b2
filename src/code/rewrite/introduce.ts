import path from "node:path";
import ts from "typescript";
import type { Settings } from "../../config/settings.ts";
import type { OrganizationHere } from "../fence/organization.ts";
import type { Project } from "../reading/project.ts";
import { functionAround } from "../reading/syntax.ts";
import { type Edit, indentAt, insertion, lineEnd, quotedLike } from "./edit.ts";

type Hook = NonNullable<Settings["code"]["app"]["hook"]>;
type Caller = NonNullable<Settings["code"]["functions"]["caller"]>;
type Here<Kind extends OrganizationHere["kind"]> = Extract<OrganizationHere, { kind: Kind }>;

/** The edits that make the organization known in a place: the call, its import, dependencies of callbacks. */
export function introduce(
  here: Exclude<OrganizationHere, { kind: "none" }>,
  node: ts.Node,
  part: "app" | "functions",
  { settings, folder }: Project,
): Edit[] {
  const [root = here.text] = here.text.split(".");
  const { hook } = settings.code[part];
  const { caller } = settings.code.functions;
  switch (here.kind) {
    case "in scope": {
      const owner = here.declaration && functionAround(here.declaration);
      return owner === undefined ? [] : addDependencies(node, owner, root);
    }
    case "by hook": {
      const dependencies = addDependencies(node, here.body.parent, root);
      if (hook === undefined) return dependencies;
      return [...importName(node.getSourceFile(), hook), callHook(here, hook), ...dependencies];
    }
    case "by caller": {
      if (caller === undefined) return [];
      const source = node.getSourceFile();
      const from = specifierOf(path.join(folder, caller.from), source);
      return [...importName(source, { ...caller, from }), askCaller(here, caller)];
    }
    default:
      return here satisfies never;
  }
}

/** The relative path of a file, with its extension, as Deno imports it. */
function specifierOf(file: string, { fileName }: ts.SourceFile): string {
  const way = path.relative(path.dirname(fileName), file).split(path.sep).join("/");
  return way.startsWith(".") ? way : `./${way}`;
}

/** `const { organizationId } = await callerOrganization(request);` after the handler's guard. */
function askCaller({ text, guard }: Here<"by caller">, { name }: Caller): Edit {
  const { statement, request } = guard;
  const source = statement.getSourceFile();
  const before = statement.getFullText().includes("\n")
    ? `${lineEnd(source)}${indentAt(source, statement.getStart())}`
    : " ";
  const declared = ts.isBlock(statement.parent)
    ? statement.parent.statements.find(ts.isVariableStatement)
    : undefined;
  const end = declared?.getText().endsWith(";") === false ? "" : ";";
  const asked = `const { ${text} } = await ${name}(${request})${end}`;
  return { ...insertion(source, statement.getEnd(), `${before}${asked}`), isShared: true };
}

/** `const { organizationId } = useOrganization();` as the component's first statement. */
function callHook({ body, text }: Here<"by hook">, hook: Hook): Edit {
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

/** Imports a name, where it is not imported yet. */
export function importName(source: ts.SourceFile, { name, from }: Hook): Edit[] {
  const imports = source.statements.filter(ts.isImportDeclaration);
  const isThere = source.statements.some(
    (statement) =>
      (ts.isImportDeclaration(statement) && importsName(statement, name)) ||
      (ts.isFunctionDeclaration(statement) && statement.name?.text === name),
  );
  if (isThere) return [];
  // "use client" stays first.
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

/** Without the dependency, a callback of an earlier rendering would use an earlier organization. */
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
