import ts from "typescript";
import type { Project } from "./project.ts";
import { isFunctionNode } from "./syntax.ts";

/** All names with one text, by their symbols. */
type ByMeaning = ReadonlyMap<ts.Symbol | ts.Declaration, readonly ts.MemberName[]>;

/**
 * Finds every use of a name, including its declaration, in the order of the files. The symbol of a name is
 * looked up once, and only when names with that text are needed.
 */
export function usesIn(
  { files }: Project,
  symbolOf: (name: ts.Node) => ts.Symbol | undefined,
): (symbol: ts.Symbol, name: string) => readonly ts.MemberName[] {
  const names = namesByText(files.map(({ source }) => source));
  const inFile = new Map<readonly ts.MemberName[], ByMeaning>();
  const everywhere = new Map<string, ByMeaning>();

  const meaningsOf = (same: readonly ts.MemberName[]): ByMeaning => {
    const known = inFile.get(same);
    if (known !== undefined) return known;
    const found = byMeaning(same, symbolOf);
    inFile.set(same, found);
    return found;
  };
  const meaningsOfText = (text: string): ByMeaning => {
    const known = everywhere.get(text);
    if (known !== undefined) return known;
    const found = new Map<ts.Symbol | ts.Declaration, ts.MemberName[]>();
    for (const same of names.get(text)?.values() ?? [])
      for (const [meaning, uses] of meaningsOf(same)) addTo(found, meaning, ...uses);
    everywhere.set(text, found);
    return found;
  };
  return (symbol, text) => {
    const source = isLocal(symbol) ? symbol.declarations?.[0]?.getSourceFile() : undefined;
    if (source === undefined) return meaningsOfText(text).get(meaningOf(symbol)) ?? [];
    const same = names.get(text)?.get(source);
    return same === undefined ? [] : (meaningsOf(same).get(meaningOf(symbol)) ?? []);
  };
}

function namesByText(
  sources: readonly ts.SourceFile[],
): ReadonlyMap<string, ReadonlyMap<ts.SourceFile, readonly ts.MemberName[]>> {
  const found = new Map<string, Map<ts.SourceFile, ts.MemberName[]>>();
  for (const source of sources) {
    const visit = (node: ts.Node): void => {
      if (ts.isMemberName(node)) {
        const byFile = found.get(node.text);
        if (byFile === undefined) found.set(node.text, new Map([[source, [node]]]));
        else addTo(byFile, source, node);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

function byMeaning(
  same: readonly ts.MemberName[],
  symbolOf: (name: ts.Node) => ts.Symbol | undefined,
): ByMeaning {
  const found = new Map<ts.Symbol | ts.Declaration, ts.MemberName[]>();
  for (const name of same) {
    const symbol = symbolOf(name);
    if (symbol !== undefined) addTo(found, meaningOf(symbol), name);
  }
  return found;
}

function addTo<Key, Item>(lists: Map<Key, Item[]>, key: Key, ...items: readonly Item[]): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [...items]);
  else for (const item of items) list.push(item);
}

/** A member of a generic class has one symbol for each instantiation, but one declaration. */
function meaningOf(symbol: ts.Symbol): ts.Symbol | ts.Declaration {
  return symbol.declarations?.[0] ?? symbol;
}

/** A variable or parameter inside a function cannot be used in another file. */
function isLocal({ declarations }: ts.Symbol): boolean {
  const declaration = declarations?.[0];
  return (
    declaration !== undefined &&
    (ts.isVariableDeclaration(declaration) ||
      ts.isParameter(declaration) ||
      ts.isBindingElement(declaration)) &&
    ts.findAncestor(declaration.parent, isFunctionNode) !== undefined
  );
}
