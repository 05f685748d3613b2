import { existsSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { Inventory } from "../queries/inventory.ts";
import type { Entry } from "../queries/inventory-entry.ts";
import { nameOfFunction } from "../reading/symbols.ts";
import { type FunctionNode, functionAround, isFunctionNode, wrapped } from "../reading/syntax.ts";
import { isDeclaredByCaller } from "./caller-input.ts";
import { type UserGuard, userGuardBefore } from "./user-guard.ts";

/** How code in a place can name the organization. */
export type OrganizationHere =
  | {
      readonly kind: "in scope";
      readonly text: string;
      /** Where its name is declared. */
      readonly declaration: ts.Declaration | undefined;
    }
  /** A component or hook can call the configured hook. */
  | { readonly kind: "by hook"; readonly text: string; readonly body: ts.Block }
  /** A handler that only signed-in users pass can call the configured function. */
  | { readonly kind: "by caller"; readonly text: string; readonly guard: UserGuard }
  | { readonly kind: "none"; readonly reason: string };

/** Whether the configured expression can be used in a place, and how it gets there. */
export function organizationAt(
  node: ts.Node,
  entry: Entry,
  inventory: Inventory,
): OrganizationHere {
  const { part } = entry;
  const { symbols, project } = inventory;
  const { organization: text, hook } = project.settings.code[part];
  const [root = text] = text.split(".");
  const symbol = symbols.checker
    .getSymbolsInScope(node, ts.SymbolFlags.Value | ts.SymbolFlags.Alias)
    .find(({ name }) => name === root);
  const declaration = symbol?.declarations?.[0];
  if (symbol !== undefined) {
    if (declaration !== undefined && isDeclaredBehind(declaration, node))
      return none(`${root} is declared later`);
    // With the user's own key, row-level security limits the rows, whatever organization is named.
    const isBound = part === "app" && (!("client" in entry) || entry.client.kind === "user-key");
    if (!isBound && declaration !== undefined && isDeclaredByCaller(symbols, declaration))
      return none(`${root} comes from the request: a caller can name any organization`);
    return { kind: "in scope", text, declaration };
  }
  const { caller } = project.settings.code.functions;
  if (part === "functions" && caller !== undefined) {
    const guard = userGuardBefore(node);
    if (guard !== undefined)
      return existsSync(path.join(project.folder, caller.from))
        ? { kind: "by caller", text, guard }
        : none(`${caller.from} does not exist yet: run tenantry code scaffold --write`);
  }
  if (hook === undefined)
    return none(
      part === "functions"
        ? `${root} is not in scope here: take it from the caller's memberships or from a row that was read, or loop over the organizations`
        : `${root} is not in scope here`,
    );
  const component = componentAround(node);
  if (component === undefined)
    return none(`${root} is not in scope, and only a component or hook can call ${hook.name}`);
  if (!ts.isBlock(component.body))
    return none(
      `${root} is not in scope, and the component has no block in which to call ${hook.name}`,
    );
  return { kind: "by hook", text, body: component.body };
}

function none(reason: string): OrganizationHere {
  return { kind: "none", reason };
}

/** In the same function a name cannot be used before it is declared. */
function isDeclaredBehind(declaration: ts.Declaration, node: ts.Node): boolean {
  return (
    declaration.getSourceFile() === node.getSourceFile() &&
    functionAround(declaration) === functionAround(node) &&
    declaration.getEnd() > node.getStart() &&
    !ts.isParameter(declaration)
  );
}

/** The component or hook that a node is in, by React's rules for names; not through a class. */
function componentAround(node: ts.Node): FunctionNode | undefined {
  for (let around: ts.Node = node.parent; around !== undefined; around = around.parent) {
    if (ts.isClassLike(around)) return undefined;
    if (!isFunctionNode(around)) continue;
    if (ts.isMethodDeclaration(around) || isAsynchronous(around)) continue;
    const name = nameOfFunction(around)?.text;
    // A callback that has the name of its hook's result, as in `const load = useCallback(…)`, is not a hook.
    if (name !== undefined && /^(use[A-Z]|[A-Z])/.test(name) && !isCallback(around)) return around;
  }
  return undefined;
}

function isAsynchronous(node: FunctionNode): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) !== 0;
}

function isCallback(node: FunctionNode): boolean {
  const { parent } = wrapped(node);
  return ts.isCallExpression(parent) && /^use/.test(parent.expression.getText());
}
