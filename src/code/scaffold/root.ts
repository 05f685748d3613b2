import ts from "typescript";
import { type Component, componentOf } from "../components/component.ts";
import { entryPointsOf } from "../components/entry-points.ts";
import { placesOfProp } from "../components/props.ts";
import type { Uses } from "../components/uses.ts";
import { everyNode, unwrap } from "../reading/syntax.ts";
import { type Edit, insertion, lineEnd, placeText } from "../rewrite/edit.ts";
import { importName } from "../rewrite/introduce.ts";
import { specifierFor } from "./conventions.ts";
import { needsOfProvider, type ProviderNeed } from "./needs.ts";

export const provider = "OrganizationProvider";

/** Where the provider goes, or is already: around the children of an element, or around the element. */
export type ProviderPlace =
  | { readonly kind: "there"; readonly element: ts.JsxElement }
  | { readonly kind: "inside"; readonly element: ts.JsxElement }
  | { readonly kind: "around"; readonly node: ts.Node }
  | { readonly kind: "none"; readonly reason: string };

/**
 * The place of the provider: inside everything that it uses, such as React Query's provider. It is found by
 * following the components from the application's entry. Where no place is certain, the result is `none`.
 */
export function placeOfProvider(
  uses: Uses,
  own: ts.Node | undefined,
  reactQuery: boolean,
): ProviderPlace {
  const { project } = uses.symbols;
  const entries = entryPointsOf(project);
  if (entries.length === 0)
    return none(
      `no createRoot(…).render(<App />) was found: put <${provider}> around the application`,
    );
  const needs = needsOfProvider(uses, own, reactQuery);
  const [found, ...others] = needs.length === 0 ? innermost(uses) : withinAll(uses, needs);
  const standing = elementsOf(uses, ({ tagName }) => tagName.getText() === provider);
  const [there] = standing;
  if (there !== undefined) return judgedThere(uses, there, needs, found);
  const names = needs.map(({ name }) => name).join(" and ");
  if (found !== undefined && others.length === 0) return found;
  if (needs.length === 0)
    return none(`the application is rendered in several places: put <${provider}> around each`);
  if (found === undefined) return none(`${nowhere(uses, needs)}: put <${provider}> inside it`);
  const places = [found, ...others].map((one) => placeText(project, nodeOf(one)));
  return none(
    `<${provider}> must be inside ${names}, and there are several (${places.join(", ")}): put it inside each one that contains pages`,
  );
}

function none(reason: string): ProviderPlace {
  return { kind: "none", reason };
}

type Found = Extract<ProviderPlace, { kind: "inside" | "around" }>;

function nodeOf(place: Found): ts.Node {
  return place.kind === "inside" ? place.element : place.node;
}

/** An existing provider stays; if it would fail at the start, the reason is reported. */
function judgedThere(
  { symbols }: Uses,
  element: ts.JsxElement,
  needs: readonly ProviderNeed[],
  better: Found | undefined,
): ProviderPlace {
  const missing = needs.filter(({ inside }) => !inside.has(element));
  if (missing.length === 0) return { kind: "there", element };
  const names = missing.map(({ name }) => name).join(" and ");
  const where = better === undefined ? "" : `, to ${placeText(symbols.project, nodeOf(better))}`;
  return none(
    `<${provider}> (${placeText(symbols.project, element)}) is outside ${names}, which it needs: the page stays blank. Move it inside${where}`,
  );
}

/** Why no place is inside all that is needed. */
function nowhere(uses: Uses, needs: readonly ProviderNeed[]): string {
  for (const { name, inside } of needs) {
    const [somewhere] = elementsOf(uses, (tag) => inside.encloses(tag));
    if (somewhere === undefined) return `${name} was not found where the application is rendered`;
    const place = placeText(uses.symbols.project, somewhere);
    if (!reachedFrom(uses).has(somewhere))
      return `${name} (${place}) cannot be followed from where the application is rendered`;
  }
  return `no place was found that is inside ${needs.map(({ name }) => name).join(" and ")}`;
}

function elementsOf(
  { symbols }: Uses,
  isWanted: (tag: ts.JsxOpeningElement) => boolean,
): readonly ts.JsxElement[] {
  const found: ts.JsxElement[] = [];
  for (const { source, part } of symbols.project.files) {
    if (part !== "app") continue;
    everyNode(source, (node) => {
      if (ts.isJsxElement(node) && isWanted(node.openingElement)) found.push(node);
    });
  }
  return found;
}

/** The outermost elements whose children are inside all that is needed. */
function withinAll(uses: Uses, needs: readonly ProviderNeed[]): readonly Found[] {
  const found: Found[] = [];
  const isPlace = (element: ts.JsxElement) =>
    contentOf(element).length > 0 &&
    needs.every(({ inside }) => inside.encloses(element.openingElement) || inside.has(element)) &&
    // An element that is inside already adds nothing.
    needs.some(({ inside }) => inside.encloses(element.openingElement));
  visitTree(uses, (node) => {
    if (!ts.isJsxElement(node) || !isPlace(node)) return true;
    found.push({ kind: "inside", element: node });
    return false;
  });
  return found;
}

/** The first component of the application that is rendered; in Next, the children of the outermost layout. */
function innermost(uses: Uses): readonly Found[] {
  return entryPointsOf(uses.symbols.project).flatMap((entry): readonly Found[] => {
    if (entry.kind === "by file") {
      const component = componentBy(uses, entry.component);
      const places = ["children", "Component"].flatMap((prop) =>
        component === undefined ? [] : placesOfProp(uses, component, prop),
      );
      return places.map((place) => ({ kind: "around", node: elementAround(place) }));
    }
    let element = unwrap(entry.element);
    for (;;) {
      const isOwn =
        ts.isJsxElement(element) &&
        componentOf(uses.symbols, element.openingElement.tagName) !== undefined;
      const [only, ...others] =
        ts.isJsxElement(element) || ts.isJsxFragment(element) ? contentOf(element) : [];
      const isHolder = only !== undefined && others.length === 0 && !isOwn;
      if (!isHolder || !(ts.isJsxElement(only) || ts.isJsxSelfClosingElement(only))) break;
      element = only;
    }
    return [{ kind: "around", node: element }];
  });
}

function componentBy(uses: Uses, node: ts.Node): Component | undefined {
  return ts.isExportAssignment(node)
    ? componentOf(uses.symbols, node.expression)
    : [...uses.components].find((component) => component === node);
}

/** `{children}` with its braces, `<Component {...pageProps} />` whole. */
export function elementAround(node: ts.Node): ts.Node {
  const { parent } = node;
  if (ts.isJsxSelfClosingElement(parent) && parent.tagName === node) return parent;
  return ts.isJsxExpression(parent) && !ts.isJsxAttribute(parent.parent) ? parent : node;
}

/** The children of an element, without white space and comments. */
function contentOf({ children }: ts.JsxElement | ts.JsxFragment): readonly ts.JsxChild[] {
  return children.filter((child) =>
    ts.isJsxText(child)
      ? !child.containsOnlyTriviaWhiteSpaces
      : !ts.isJsxExpression(child) || child.expression !== undefined,
  );
}

/** Everything that the entry points render. */
function reachedFrom(uses: Uses): ReadonlySet<ts.Node> {
  const found = new Set<ts.Node>();
  visitTree(uses, (node) => {
    found.add(node);
    return true;
  });
  return found;
}

/**
 * Walks from the entry points through components and route objects.
 * @param visit whether to continue below a node
 */
function visitTree(uses: Uses, visit: (node: ts.Node) => boolean): void {
  const seen = new Set<ts.Node>();
  const go = (node: ts.Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (!visit(node)) return;
    const isTag = ts.isJsxOpeningLikeElement(node);
    const component = isTag
      ? componentOf(uses.symbols, node.tagName)
      : ts.isIdentifier(node)
        ? componentOf(uses.symbols, node)
        : undefined;
    const isRendered = isTag || (ts.isIdentifier(node) && !isDeclaring(node));
    if (component !== undefined && isRendered) go(component);
    if (ts.isIdentifier(node) && component === undefined) {
      const [declaration] = uses.symbols.symbolOf(node)?.declarations ?? [];
      if (
        declaration !== undefined &&
        ts.isVariableDeclaration(declaration) &&
        declaration.initializer
      )
        go(declaration.initializer);
    }
    ts.forEachChild(node, go);
  };
  for (const entry of entryPointsOf(uses.symbols.project))
    go(entry.kind === "rendered" ? entry.element : entry.component);
}

function isDeclaring({ parent }: ts.Identifier): boolean {
  return ts.isFunctionDeclaration(parent) || ts.isClassDeclaration(parent);
}

/** The edits that put the provider into its place, and import it. */
export function wrapRoot(uses: Uses, place: Found, context: string): readonly Edit[] {
  const { project } = uses.symbols;
  const source = nodeOf(place).getSourceFile();
  const from = specifierFor(project, `${context}.tsx`, source.fileName);
  const edits =
    place.kind === "inside" ? wrapContent(place.element) : wrapNode(place.node, provider);
  return [...importName(source, { name: provider, from }), ...edits];
}

function wrapContent(element: ts.JsxElement): readonly Edit[] {
  const source = element.getSourceFile();
  const content = contentOf(element);
  const [first, last] = [content[0], content.at(-1)];
  if (first === undefined || last === undefined) return [];
  const at = first.getStart();
  const isOnLines = source.text.slice(at, last.getEnd()).includes("\n");
  const indent = /(\r?\n[ \t]*)$/.exec(source.text.slice(0, at))?.[1];
  const line = isOnLines ? (indent ?? lineEnd(source)) : "";
  return [
    insertion(source, at, `<${provider}>${line}`),
    insertion(source, last.getEnd(), `${line}</${provider}>`),
  ];
}

/** Wraps an element, or an expression that returns one, in a component. */
export function wrapNode(node: ts.Node, component: string): readonly Edit[] {
  const source = node.getSourceFile();
  const isElement =
    ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node);
  const isElementOrBraces = isElement || ts.isJsxExpression(node);
  const [open, close] = isElementOrBraces ? ["", ""] : ["{", "}"];
  return [
    insertion(source, node.getStart(), `<${component}>${open}`),
    insertion(source, node.getEnd(), `${close}</${component}>`),
  ];
}
