import ts from "typescript";
import { nameOfFunction, type Symbols } from "../reading/symbols.ts";
import { everyNode, functionAround, isFunctionNode, nameOf } from "../reading/syntax.ts";
import { type Component, componentOf, libraryName } from "./component.ts";
import { entryPointsOf, isRendered } from "./entry-points.ts";
import { defaultComponent, shownByNext } from "./next.ts";
import { placesOfProp } from "./props.ts";
import { isBehindSignIn } from "./signed-in.ts";
import type { Uses } from "./uses.ts";

/** A part of the application, defined by the elements around it. */
export type Region = {
  /** Whether the children of a tag are in the region. */
  readonly isBoundary: (tag: ts.JsxOpeningLikeElement) => boolean;
  /** Whether everything that only signed-in users see is in the region, too. */
  readonly withSignedIn: boolean;
};

/** Which places of an application are certainly in a region. */
export type Inside = {
  /** The first place outside that renders or calls it; undefined where all are inside, or there is none. */
  outsideOf(owner: Component): ts.Node | undefined;
  /** Whether an element is inside, wherever its component is rendered. */
  has(node: ts.Node): boolean;
  /** Whether an element's children are inside. */
  encloses(tag: ts.JsxOpeningLikeElement): boolean;
  /** Whether all places where a component renders a property are inside; undefined where there is none. */
  showsInside(component: Component, prop: string): boolean | undefined;
};

/** Follows every place to the components that render it, up to the application's entry. */
export function insideOf(uses: Uses, region: Region): Inside {
  const { symbols } = uses;
  const shown = new Map<string, Map<ts.Node, boolean | undefined>>();

  const showsInside = (root: ts.Node, prop: string): boolean | undefined => {
    const byNode = shown.get(prop) ?? new Map<ts.Node, boolean | undefined>();
    shown.set(prop, byNode);
    if (byNode.has(root)) return byNode.get(root);
    // A component that renders only itself shows nothing.
    byNode.set(root, undefined);
    const places =
      prop === outlet
        ? outletsIn(symbols, root, { showsInside, isWithin })
        : isComponent(root)
          ? placesOfProp(uses, root, prop).map((place) => isWithin(place, root))
          : [];
    const result = places.length === 0 ? undefined : places.every(Boolean);
    byNode.set(root, result);
    return result;
  };
  const encloses = (tag: ts.JsxOpeningLikeElement): boolean => {
    if (region.isBoundary(tag)) return true;
    const own = componentOf(symbols, tag.tagName);
    if (own !== undefined) return showsInside(own, "children") === true;
    const layout = libraryName(symbols, tag.tagName)?.name === "Route" ? layoutOf(tag) : undefined;
    return layout !== undefined && isLayoutInside(layout);
  };
  /** Whether a route's nested routes are inside: they are rendered in the outlet of its element. */
  const isLayoutInside = (layout: ts.Expression): boolean => {
    const component = ts.isIdentifier(layout) ? componentOf(symbols, layout) : undefined;
    return showsInside(component ?? layout, outlet) === true;
  };
  /** Whether the syntax around a node puts it inside. */
  const isPutInside = (node: ts.Node): boolean => {
    const { parent } = node;
    if (ts.isJsxElement(parent))
      return node !== parent.openingElement && encloses(parent.openingElement);
    if (ts.isJsxSpreadAttribute(node) && ts.isJsxAttributes(parent)) return encloses(parent.parent);
    if (ts.isJsxAttribute(parent)) {
      const tag = parent.parent.parent;
      const own = componentOf(symbols, tag.tagName);
      return own !== undefined && showsInside(own, parent.name.getText()) === true;
    }
    if (ts.isPropertyAssignment(parent) && parent.name.getText() === "children") {
      const layout = layoutOfObject(parent.parent);
      return layout !== undefined && isLayoutInside(layout);
    }
    return region.withSignedIn && isBehindSignIn(symbols.checker, node);
  };
  const isWithin = (place: ts.Node, root: ts.Node): boolean => {
    for (let node = place; node !== root && node.parent !== undefined; node = node.parent)
      if (isPutInside(node)) return true;
    return false;
  };
  const walk = walkerOf(uses, isPutInside, showsInside);
  return {
    encloses,
    showsInside,
    has: (node) => walk.from(node, new Set()) === undefined,
    outsideOf: (owner) => walk.ofOwner(owner, new Set()),
  };
}

const outlet = "<Outlet>";

type Judge = {
  showsInside(root: ts.Node, prop: string): boolean | undefined;
  isWithin(place: ts.Node, root: ts.Node): boolean;
};

/** Whether each `<Outlet />` of a component, or of the components that it renders, is inside. */
function outletsIn(symbols: Symbols, root: ts.Node, { showsInside, isWithin }: Judge): boolean[] {
  const found: boolean[] = [];
  everyNode(root, (node) => {
    if (!ts.isJsxOpeningLikeElement(node)) return;
    if (node.tagName.getText() === "Outlet") found.push(isWithin(node, root));
    const own = componentOf(symbols, node.tagName);
    const inner = own === undefined ? undefined : showsInside(own, outlet);
    if (inner !== undefined) found.push(inner || isWithin(node, root));
  });
  return found;
}

type Walker = {
  from(node: ts.Node, seen: Set<ts.Node>): ts.Node | undefined;
  ofOwner(owner: Component, seen: Set<ts.Node>): ts.Node | undefined;
};

/** Follows a place to all places that render it; returns one that is outside. */
function walkerOf(
  uses: Uses,
  isPutInside: (node: ts.Node) => boolean,
  showsInside: Inside["showsInside"],
): Walker {
  const { symbols } = uses;
  const entries = entryPointsOf(symbols.project);
  const first = (nodes: readonly ts.Node[], outside: (node: ts.Node) => ts.Node | undefined) =>
    nodes.find((node) => outside(node) !== undefined);

  const from = (place: ts.Node, seen: Set<ts.Node>): ts.Node | undefined => {
    for (let node = place; node.parent !== undefined; node = node.parent) {
      const { parent } = node;
      if (isRendered(parent)) return place;
      if (isPutInside(node)) return undefined;
      if (isUnit(parent)) return ofOwner(parent, seen) === undefined ? undefined : place;
      if (!ts.isVariableDeclaration(parent) || parent.initializer !== node) continue;
      const used = uses.of(parent);
      if (used.length === 0) return place;
      if (seen.has(parent)) return undefined;
      seen.add(parent);
      return first(used, (one) => from(one, seen)) === undefined ? undefined : place;
    }
    return place;
  };
  /** A call happens where the function around it is rendered or called. */
  const fromCall = (call: ts.Node, seen: Set<ts.Node>): ts.Node | undefined => {
    const unit = ts.findAncestor(call.parent, isUnit);
    return unit === undefined ? call : ofOwner(unit, seen);
  };
  const ofOwner = (owner: Component, seen: Set<ts.Node>): ts.Node | undefined => {
    // A component that renders itself is first rendered from elsewhere.
    if (seen.has(owner)) return undefined;
    seen.add(owner);
    const name = isFunctionNode(owner) ? nameOfFunction(owner)?.text : owner.name?.text;
    const isHook = name !== undefined && /^use[A-Z]/.test(name);
    const sites = uses.sitesOf(owner);
    const calls = isFunctionNode(owner) ? symbols.callsOf(owner) : [];
    const passedOn = isFunctionNode(owner) && sites.length === 0 ? symbols.passedOn(owner) : [];
    if (isHook && passedOn.length > 0) return passedOn[0];
    const isComponent = name === undefined || /^[A-Z]/.test(name);
    if (isComponent && calls.length > 0) return calls[0];
    if (sites.length + calls.length + passedOn.length === 0)
      return (isHook || isComponent) && !uses.isMaybeImported(owner, name)
        ? ofNobody(owner)
        : owner;
    return (
      first([...sites, ...passedOn], (site) => from(site, seen)) ??
      first(calls, (call) => (isHook ? fromCall(call, seen) : from(call, seen)))
    );
  };
  /** A component that nothing renders is never shown, unless a framework renders it because of its file. */
  const ofNobody = (owner: Component): ts.Node | undefined => {
    const layouts = shownByNext(uses, owner);
    if (layouts !== undefined)
      return layouts.some(({ layout, prop }) => showsInside(layout, prop)) ? undefined : owner;
    const isDefault = defaultComponent(uses, owner.getSourceFile()) === owner;
    return isDefault && entries.length === 0 ? owner : undefined;
  };
  return { from, ofOwner };
}

function isComponent(node: ts.Node): node is Component {
  return isFunctionNode(node) || ts.isClassLike(node);
}

/** A component, a hook, or another function that other files can call. */
function isUnit(node: ts.Node): node is Component {
  if (ts.isClassLike(node)) return true;
  if (!isFunctionNode(node) || ts.isClassElement(node)) return false;
  const name = nameOfFunction(node)?.text;
  if (name !== undefined && /^(use)?[A-Z]/.test(name)) return !isInlineOfProperty(node);
  return functionAround(node) === undefined && isDeclaredAtTop(node);
}

function isInlineOfProperty(node: ts.Node): boolean {
  return ts.isPropertyAssignment(node.parent);
}

/** `function load() {…}`, `export default memo(() => …)` */
function isDeclaredAtTop(node: ts.Node): boolean {
  let value = node;
  while (ts.isCallExpression(value.parent) && value.parent.expression !== value)
    value = value.parent;
  return ts.isFunctionDeclaration(node) || ts.isExportAssignment(value.parent);
}

/** A route's `element`, or its component. */
function layoutOf(tag: ts.JsxOpeningLikeElement): ts.Expression | undefined {
  for (const attribute of tag.attributes.properties) {
    if (!ts.isJsxAttribute(attribute)) continue;
    if (!/^(element|component|Component)$/.test(attribute.name.getText())) continue;
    const { initializer } = attribute;
    if (initializer !== undefined && ts.isJsxExpression(initializer)) return initializer.expression;
  }
  return undefined;
}

function layoutOfObject(object: ts.ObjectLiteralExpression): ts.Expression | undefined {
  for (const property of object.properties) {
    if (!/^(element|component|Component)$/.test(nameOf(property) ?? "")) continue;
    if (ts.isPropertyAssignment(property)) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property)) return property.name;
  }
  return undefined;
}
