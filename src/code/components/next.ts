import path from "node:path";
import ts from "typescript";
import { type Component, declaredComponent } from "./component.ts";
import type { Uses } from "./uses.ts";

const page = /(^|\/)app\/(.*\/)?(page|layout|template|default|loading|error|not-found)\.[jt]sx?$/;
const oldPage = /(^|\/)pages\/.*\.[jt]sx?$/;

/**
 * What Next renders a file's component in, although no file imports it; outermost last. Undefined where the
 * file has no meaning for Next.
 */
export function shownByNext(
  uses: Uses,
  component: Component,
): readonly { readonly layout: Component; readonly prop: string }[] | undefined {
  const { files } = uses.symbols.project;
  const file = files.find(({ source }) => source === component.getSourceFile());
  if (file === undefined || defaultComponent(uses, file.source) !== component) return undefined;
  const componentIn = (name: string) => {
    const found = files.find((one) => new RegExp(`^${escaped(name)}\\.[jt]sx?$`).test(one.name));
    return found === undefined ? undefined : defaultComponent(uses, found.source);
  };
  if (page.test(file.name)) {
    const found: { layout: Component; prop: string }[] = [];
    for (let folder = path.posix.dirname(file.name); ; folder = path.posix.dirname(folder)) {
      const layout = componentIn(path.posix.join(folder, "layout"));
      if (layout !== undefined && layout !== component) found.push({ layout, prop: "children" });
      if (path.posix.basename(folder) === "app" || folder === ".") return found;
    }
  }
  const [before] = oldPage.exec(file.name) === null ? [] : file.name.split("pages/");
  const usesNext = files.some(({ name }) => /(^|\/)pages\/_app\.[jt]sx?$/.test(name));
  if (before === undefined || !usesNext) return undefined;
  const layout = componentIn(`${before}pages/_app`);
  return layout === undefined || layout === component ? [] : [{ layout, prop: "Component" }];
}

/** A file's default export. */
export function defaultComponent({ symbols }: Uses, source: ts.SourceFile): Component | undefined {
  const module = symbols.checker.getSymbolAtLocation(source);
  if (module === undefined) return undefined;
  const exported = symbols.checker
    .getExportsOfModule(module)
    .find(({ name }) => name === "default");
  if (exported === undefined) return undefined;
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const symbol = isAlias ? symbols.checker.getAliasedSymbol(exported) : exported;
  for (const declaration of symbol.declarations ?? []) {
    const found = declaredComponent(symbols, declaration);
    if (found !== undefined) return found;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
