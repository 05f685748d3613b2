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

/** Edits that put the boundary around what only signed-in users see, or advice to do it by hand. */
export type BoundaryPlaces = { readonly edits: readonly Edit[]; readonly left: readonly string[] };

/** What the provider contains: the children of an element, or all that is rendered; undefined where unknown. */
export type Provided = ts.JsxElement | "everything" | undefined;

/**
 * Puts the boundary into the application's guards: components that show their children, or their routes,
 * only to signed-in users. All other places are left to a person.
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
    left: ["put <OrganizationSwitcher /> where signed-in users can reach it"],
  };
}

function advice(where: readonly string[]): string {
  const places = where.length === 0 ? "" : ` (for example at ${where.join(", ")})`;
  return `put <${boundary}> around everything that only signed-in users see${places}, and <OrganizationSwitcher /> where they can reach it`;
}

/** Where a component shows its children or routes, if it shows them only to signed-in users. */
function guardedBy(uses: Uses, component: Component, signedIn: Inside): readonly ts.Node[] {
  for (const prop of ["children", "<Outlet>"]) {
    if (signedIn.showsInside(component, prop) !== true) continue;
    const places = prop === "children" ? placesOfProp(uses, component, prop) : outletsOf(component);
    // A component that passes its children to another guard is not a guard itself.
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
