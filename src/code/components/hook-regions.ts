import ts from "typescript";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { everyNode, type FunctionNode, isFunctionNode, returnedBy } from "../reading/syntax.ts";
import { type Component, componentOf, declaredComponent } from "./component.ts";
import { placesOfProp } from "./props.ts";
import { type Inside, insideOf, type Region } from "./region.ts";
import type { Uses } from "./uses.ts";

/** What a component that calls a hook must be inside of, and the message where it is not. */
export type Need = { readonly inside: Inside; readonly missing: string };

const longestWay = 5;

/**
 * What the organization's hook needs around it: the provider of the context that it reads, and a
 * boundary that waits for the organization, or else a check for a signed-in user.
 * @param source the hook's file
 */
export function needsOfHook(uses: Uses, hook: FunctionNode): readonly Need[] {
  const contexts = contextsRead(uses.symbols, hook);
  const needs: Need[] = [...contexts].map((context) => {
    const region = { isBoundary: isProviderOf(uses, context), withSignedIn: false };
    return { inside: insideOf(uses, region), missing: "outside the provider of its context" };
  });
  const guards = boundariesBeside(uses, hook, contexts);
  if (guards.boundaries.size > 0) {
    const names = [...guards.boundaries].map((one) => `<${one.name?.getText() ?? "?"}>`).join(", ");
    needs.push({
      inside: insideOf(uses, {
        isBoundary: (tag) => isOneOf(uses.symbols, tag, guards.boundaries),
        withSignedIn: false,
      }),
      missing: `outside ${names}`,
    });
  } else if (!guards.providerWaits) {
    needs.push({
      inside: insideOf(uses, { isBoundary: () => false, withSignedIn: true }),
      missing: "where no check for a signed-in user was found",
    });
  }
  return needs;
}

/** The contexts that a hook reads, itself or through the functions that it calls. */
export function contextsRead(symbols: Symbols, hook: ts.Node, way = 0): ReadonlySet<ts.Node> {
  const found = new Set<ts.Node>();
  if (way > longestWay) return found;
  everyNode(hook, (node) => {
    if (!ts.isCallExpression(node)) return;
    const [argument] = node.arguments;
    if (argument !== undefined && /^(React\.)?use(Context)?$/.test(node.expression.getText())) {
      const [declaration] = symbols.symbolOf(argument)?.declarations ?? [];
      if (declaration !== undefined) found.add(declaration);
      return;
    }
    const called = functionCalled(symbols, node);
    const isHook = /^(.*\.)?use/.test(node.expression.getText());
    if (called === undefined || called === hook || !isHook) return;
    for (const context of contextsRead(symbols, called, way + 1)) found.add(context);
  });
  return found;
}

/** `<Context.Provider>`, or `<Context>` since React 19. */
export function isProviderOf({ symbols }: Uses, context: ts.Node): Region["isBoundary"] {
  return ({ tagName }) => {
    const name =
      ts.isPropertyAccessExpression(tagName) && tagName.name.text === "Provider"
        ? tagName.expression
        : tagName;
    return symbols.symbolOf(name)?.declarations?.[0] === context;
  };
}

/** Components in the hook's file that show their children only when the organization is known. */
function boundariesBeside(
  uses: Uses,
  hook: FunctionNode,
  contexts: ReadonlySet<ts.Node>,
): { readonly boundaries: ReadonlySet<Component>; readonly providerWaits: boolean } {
  const { symbols } = uses;
  const boundaries = new Set<Component>();
  let providerWaits = false;
  for (const statement of hook.getSourceFile().statements) {
    const declared = ts.isVariableStatement(statement)
      ? [...statement.declarationList.declarations]
      : [statement];
    for (const declaration of declared) {
      const component = declaredComponent(symbols, declaration);
      if (component === undefined || !isFunctionNode(component) || !waits(uses, component))
        continue;
      if (provides(uses, component, contexts)) providerWaits = true;
      else if (contextsRead(symbols, component).size > 0) boundaries.add(component);
    }
  }
  return { boundaries, providerWaits };
}

/** Whether a component shows its children only under a condition. */
function waits(uses: Uses, component: FunctionNode): boolean {
  const places = placesOfProp(uses, component, "children");
  const isIn = (place: ts.Node, node: ts.Node) =>
    ts.findAncestor(place, (one) => one === node) !== undefined;
  const returned = returnedBy(component);
  return (
    places.length > 0 &&
    returned.some((one) => !places.some((place) => isIn(place, one))) &&
    returned.some((one) => places.some((place) => isIn(place, one)))
  );
}

function provides(uses: Uses, component: Component, contexts: ReadonlySet<ts.Node>): boolean {
  let found = false;
  everyNode(component, (node) => {
    if (!ts.isJsxOpeningLikeElement(node)) return;
    if ([...contexts].some((context) => isProviderOf(uses, context)(node))) found = true;
  });
  return found;
}

function isOneOf(
  symbols: Symbols,
  { tagName }: ts.JsxOpeningLikeElement,
  components: ReadonlySet<Component>,
): boolean {
  const component = componentOf(symbols, tagName);
  return component !== undefined && components.has(component);
}
