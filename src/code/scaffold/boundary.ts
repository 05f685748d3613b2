import ts from "typescript";
import { type Component, componentOf } from "../components/component.ts";
import { placesOfProp } from "../components/props.ts";
import { type Inside, insideOf } from "../components/region.ts";
import type { Uses } from "../components/uses.ts";
import { everyNode } from "../reading/syntax.ts";
import { type Edit, placeText } from "../rewrite/edit.ts";
import { importName } from "../rewrite/introduce.ts";
import { specifierFor } from "./conventions.ts";
import { elementAround, wrapNode } from "./root.ts";

const boundary = "OrganizationBoundary";

/** What is done about the boundary: edits where pages are shown to those who are signed in, or advice. */
export type BoundaryPlaces = { readonly edits: readonly Edit[]; readonly left: readonly string[] };

/** What the provider stands round: the children of an element, or all that is rendered; undefined where nobody knows. */
export type Provided = ts.JsxElement | "everything" | undefined;

/**
 * Puts the boundary into the application's guards: components that show what they are given, or their
 * routes, only to those who are signed in. Other places are a person's.
 */
export function placeBoundary(uses: Uses, provided: Provided, context: string): BoundaryPlaces {
  const { project } = uses.symbols;
  if (project.files.some(({ source }) => source.text.includes(`<${boundary}`)))
    return { edits: [], left: [] };
  const signedIn = insideOf(uses, { isBoundary: () => false, withSignedIn: true });
  const below = insideOf(uses, {
    isBoundary: (tag) => typeof provided === "object" && tag === provided.openingElement,
    withSignedIn: false,
  });
  const guards = [...uses.components].flatMap((component) => {
    const places = guardedBy(uses, component, signedIn);
    const isShown = uses.sitesOf(component).length > 0;
    return places.length > 0 && isShown ? [{ component, places }] : [];
  });
  const outside = guards.filter(
    ({ component }) => provided !== "everything" && below.outsideOf(component) !== undefined,
  );
  if (guards.length === 0 || provided === undefined || outside.length > 0) {
    const where = guards.flatMap(({ places }) => places.map((place) => placeText(project, place)));
    return { edits: [], left: [advice(where)] };
  }
  const edits = guards.flatMap(({ places }) =>
    places.flatMap((place) => {
      const source = place.getSourceFile();
      const from = specifierFor(project, `${context}.tsx`, source.fileName);
      return [
        ...importName(source, { name: boundary, from }),
        ...wrapNode(elementAround(place), boundary),
      ];
    }),
  );
  return {
    edits,
    left: ["put <OrganizationSwitcher /> where it belongs, where people are signed in"],
  };
}

function advice(where: readonly string[]): string {
  const places = where.length === 0 ? "" : `, such as at ${where.join(", ")}`;
  return `put <${boundary}> round what is shown to those who are signed in${places}, and <OrganizationSwitcher /> where it belongs: where that is, nobody but you knows`;
}

/** Where a component shows its children or routes, if it shows them only to those who are signed in. */
function guardedBy(uses: Uses, component: Component, signedIn: Inside): readonly ts.Node[] {
  for (const prop of ["children", "<Outlet>"]) {
    if (signedIn.showsInside(component, prop) !== true) continue;
    const places = prop === "children" ? placesOfProp(uses, component, prop) : outletsOf(component);
    // What hands its children to another guard is none itself.
    const own = places.filter((place) => !isWithinGuard(uses, place, component, signedIn));
    if (own.length > 0 && own.every((place) => !ts.isJsxSpreadAttribute(place))) return own;
  }
  return [];
}

function isWithinGuard(
  uses: Uses,
  place: ts.Node,
  component: Component,
  signedIn: Inside,
): boolean {
  for (let node = place; node !== component && node.parent !== undefined; node = node.parent) {
    if (!ts.isJsxElement(node.parent)) continue;
    const tag = node.parent.openingElement;
    if (componentOf(uses.symbols, tag.tagName) !== undefined && signedIn.encloses(tag)) return true;
  }
  return false;
}

function outletsOf(component: Component): readonly ts.Node[] {
  const found: ts.Node[] = [];
  everyNode(component, (node) => {
    if (ts.isJsxOpeningLikeElement(node) && node.tagName.getText() === "Outlet")
      found.push(ts.isJsxOpeningElement(node) ? node.parent : node);
  });
  return found;
}
