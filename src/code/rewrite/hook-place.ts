import ts from "typescript";
import { type Component, declaredComponent } from "../components/component.ts";
import { type Need, needsOfHook } from "../components/hook-regions.ts";
import { type Uses, usesIn } from "../components/uses.ts";
import type { Inventory } from "../queries/inventory.ts";
import { nameOfFunction } from "../reading/symbols.ts";
import { isFunctionNode } from "../reading/syntax.ts";
import { placeText } from "./edit.ts";

type Hook = { readonly name: string; readonly from: string };

const known = new WeakMap<Inventory, Map<Component, readonly Need[]>>();

/**
 * Why a component or hook must not call the organization's hook: it is rendered or called where the
 * organization is not known, such as on the sign-in page. Undefined where every place is safe.
 */
export function whyNoHook(owner: ts.Node, hook: Hook, inventory: Inventory): string | undefined {
  if (!isFunctionNode(owner)) return undefined;
  const uses = usesIn(inventory.symbols);
  const asked = hookOf(uses, hook, owner.getSourceFile());
  // Without the hook's file, the change does not typecheck and is left out later.
  if (asked === undefined || !isFunctionNode(asked)) return undefined;
  const needsByHook = known.get(inventory) ?? new Map<Component, readonly Need[]>();
  known.set(inventory, needsByHook);
  const needs = needsByHook.get(asked) ?? needsOfHook(uses, asked);
  needsByHook.set(asked, needs);
  for (const { inside, missing } of needs) {
    const outside = inside.outsideOf(owner);
    if (outside === undefined) continue;
    const name = nameOfFunction(owner)?.text ?? "this component";
    const isHook = /^use[A-Z]/.test(name);
    const where =
      outside === owner
        ? "in places that cannot be followed"
        : `at ${placeText(inventory.project, outside)}`;
    return `${name} is ${isHook ? "called" : "rendered"} ${where}, ${missing}: ${hook.name} has no organization there`;
  }
  return undefined;
}

/** The function that a file gets when it imports the hook. */
function hookOf(
  { symbols }: Uses,
  { name, from }: Hook,
  { fileName }: ts.SourceFile,
): Component | undefined {
  const { program, checker } = symbols.project;
  const options = program.getCompilerOptions();
  const { resolvedModule } = ts.resolveModuleName(from, fileName, options, ts.sys);
  const source = resolvedModule && program.getSourceFile(resolvedModule.resolvedFileName);
  const module = source && checker.getSymbolAtLocation(source);
  const exported =
    module && checker.getExportsOfModule(module).find((symbol) => symbol.name === name);
  if (exported === undefined) return undefined;
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const [declaration] =
    (isAlias ? checker.getAliasedSymbol(exported) : exported).declarations ?? [];
  return declaration && declaredComponent(symbols, declaration);
}
