import ts from "typescript";
import { componentOf, libraryName } from "../components/component.ts";
import { contextsRead, isProviderOf } from "../components/hook-regions.ts";
import { type Inside, insideOf } from "../components/region.ts";
import type { Uses } from "../components/uses.ts";
import { functionCalled } from "../reading/symbols.ts";
import { everyNode } from "../reading/syntax.ts";

/** What the provider must be inside of, because it uses it. */
export type ProviderNeed = { readonly name: string; readonly inside: Inside };

const queryProvider = /^(Persist)?QueryClientProvider$/;
const router = /^((Unstable_?)?(Browser|Hash|Memory|History)?Router|RouterProvider|HistoryRouter)$/;

const longestWay = 5;

/**
 * What the provider must be inside of: React Query's provider, and where its file exists already and has
 * other hooks, what those need.
 * @param provider undefined where its file does not exist yet
 */
export function needsOfProvider(
  uses: Uses,
  provider: ts.Node | undefined,
  reactQuery: boolean,
): readonly ProviderNeed[] {
  const packages = new Set(provider === undefined ? [] : hookPackages(uses, provider));
  const needs: ProviderNeed[] = [];
  if (provider === undefined ? reactQuery : [...packages].some((one) => /react-query/.test(one)))
    needs.push(ofLibrary(uses, "<QueryClientProvider>", queryProvider));
  if ([...packages].some((one) => /^react-router/.test(one)))
    needs.push(ofLibrary(uses, "the router", router));
  if (provider === undefined) return needs;
  const own = [...contextsRead(uses.symbols, provider)].map((context) => ({
    name: `the provider of ${ts.isVariableDeclaration(context) ? context.name.getText() : "its context"}`,
    inside: insideOf(uses, { isBoundary: isProviderOf(uses, context), withSignedIn: false }),
  }));
  return [...needs, ...own];
}

function ofLibrary(uses: Uses, name: string, tags: RegExp): ProviderNeed {
  const isBoundary = ({ tagName }: ts.JsxOpeningLikeElement) =>
    componentOf(uses.symbols, tagName) === undefined &&
    tags.test(libraryName(uses.symbols, tagName)?.name ?? unknownName(uses, tagName));
  return { name, inside: insideOf(uses, { isBoundary, withSignedIn: false }) };
}

/** The name of an undeclared tag: its package is not installed. */
function unknownName({ symbols }: Uses, tag: ts.Node): string {
  return symbols.symbolOf(tag)?.declarations === undefined ? tag.getText() : "";
}

/** The packages whose hooks a component calls, itself or by hooks of the application's. */
function hookPackages(uses: Uses, component: ts.Node, way = 0): readonly string[] {
  if (way > longestWay) return [];
  const found: string[] = [];
  everyNode(component, (node) => {
    if (!ts.isCallExpression(node)) return;
    const name = libraryName(uses.symbols, node.expression);
    const called = functionCalled(uses.symbols, node);
    if (called !== undefined && called !== component && /^use[A-Z]/.test(node.expression.getText()))
      found.push(...hookPackages(uses, called, way + 1));
    else if (name !== undefined && /^use[A-Z]/.test(name.name)) found.push(name.from);
  });
  return found;
}
