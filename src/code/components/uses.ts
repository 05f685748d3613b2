import ts from "typescript";
import type { Project } from "../reading/project.ts";
import type { Symbols } from "../reading/symbols.ts";
import { everyNode, wrapped } from "../reading/syntax.ts";
import {
  type Component,
  componentOf,
  declaredComponent,
  exportedComponent,
  importedBy,
} from "./component.ts";

/** Where the application's names are used, and where its components are rendered. */
export type Uses = {
  readonly symbols: Symbols;
  /** Every use of a declaration as a value. */
  of(declaration: ts.Node): readonly ts.Identifier[];
  /** Every place that renders a component, or passes it to code that does. */
  sitesOf(component: Component): readonly ts.Node[];
  readonly components: ReadonlySet<Component>;
  /** Whether an import that leads nowhere may be meant for it: then not all is known of where it is used. */
  isMaybeImported(component: Component, name: string | undefined): boolean;
};

const known = new WeakMap<Project, Uses>();

/** Reads a project once; components that only tests and stories render are left out. */
export function usesIn(symbols: Symbols): Uses {
  const found = known.get(symbols.project) ?? readUses(symbols);
  known.set(symbols.project, found);
  return found;
}

const isTest = /(\.(test|spec|stories|story)\.[cm]?[jt]sx?$)|(^|\/)(__tests__|__mocks__)\//;

function readUses(symbols: Symbols): Uses {
  const byDeclaration = new Map<ts.Node, ts.Identifier[]>();
  const sites = new Map<Component, ts.Node[]>();
  const components = new Set<Component>();
  const lost = new Set<string>();
  const addSite = (component: Component | undefined, node: ts.Node) => {
    if (component === undefined) return;
    components.add(component);
    const same = sites.get(component);
    if (same === undefined) sites.set(component, [node]);
    else same.push(node);
  };
  for (const { source, name, part } of symbols.project.files) {
    if (part !== "app" || isTest.test(name)) continue;
    everyNode(source, (node) => {
      if (/^[A-Z]/.test(nameDeclared(node) ?? "")) {
        const component = declaredComponent(symbols, node);
        if (component !== undefined) components.add(component);
      }
      for (const name of ["Component", "default"])
        for (const imported of routeModules(node))
          addSite(exportedComponent(symbols, imported, name), node);
      for (const name of lostNames(symbols, node)) lost.add(name);
      if (ts.isPropertyAccessExpression(node) && isTag(node))
        addSite(componentOf(symbols, node), node);
      if (!ts.isIdentifier(node) || !isValue(node)) return;
      const [declaration] = symbols.symbolOf(node)?.declarations ?? [];
      if (declaration === undefined) return;
      const same = byDeclaration.get(declaration);
      if (same === undefined) byDeclaration.set(declaration, [node]);
      else same.push(node);
      if (!/^[A-Z]/.test(node.text)) return;
      const component = declaredComponent(symbols, declaration);
      if (component !== undefined && !isPassedOn(symbols, node, component))
        addSite(component, node);
    });
  }
  return {
    symbols,
    of: (declaration) => byDeclaration.get(declaration) ?? [],
    sitesOf: (component) => sites.get(component) ?? [],
    components,
    isMaybeImported: (component, name) => {
      const file = component.getSourceFile().fileName.replace(/(\/index)?\.[cm]?[jt]sx?$/, "");
      const module = file.slice(file.lastIndexOf("/") + 1);
      return lost.has(`/${module}`) || (name !== undefined && lost.has(name));
    },
  };
}

/** What an import names that leads nowhere, and the last part of its module behind a slash. */
function lostNames({ checker }: Symbols, node: ts.Node): readonly string[] {
  if (ts.isStringLiteralLike(node)) {
    const isModule =
      ts.isImportDeclaration(node.parent) ||
      ts.isExportDeclaration(node.parent) ||
      (ts.isCallExpression(node.parent) &&
        node.parent.expression.kind === ts.SyntaxKind.ImportKeyword);
    if (!isModule || checker.getSymbolAtLocation(node) !== undefined) return [];
    return [`/${node.text.slice(node.text.lastIndexOf("/") + 1).replace(/\.[jt]sx?$/, "")}`];
  }
  if (!ts.isImportSpecifier(node)) return [];
  const symbol = checker.getSymbolAtLocation(node.name);
  const isLost =
    symbol !== undefined && checker.getAliasedSymbol(symbol).declarations === undefined;
  return isLost ? [(node.propertyName ?? node.name).text] : [];
}

function nameDeclared(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node)) return "Default";
  const isDeclaration =
    ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isVariableDeclaration(node);
  if (!isDeclaration) return undefined;
  return node.name === undefined ? "Default" : node.name.getText();
}

/** `lazy: () => import("./page")` of a route that is an object. */
function routeModules(node: ts.Node): readonly ts.CallExpression[] {
  if (!ts.isPropertyAssignment(node) || node.name.getText() !== "lazy") return [];
  const imported = importedBy(node.initializer);
  return imported === undefined ? [] : [imported];
}

function isTag(node: ts.Node): boolean {
  return ts.isJsxOpeningLikeElement(node.parent) && node.parent.tagName === node;
}

/** Whether a name is used as a value: not in a declaration, import, export or type. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isJsxClosingElement(parent) || ts.isJsxAttribute(parent)) return false;
  if (ts.isBindingElement(parent) || ts.isVariableDeclaration(parent))
    return parent.initializer === node;
  if (ts.isParameter(parent)) return parent.initializer === node;
  return !(
    (ts.isFunctionLike(parent) && parent.name === node) ||
    ts.isClassLike(parent) ||
    ts.isImportClause(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isNamespaceImport(parent) ||
    ts.isExportSpecifier(parent) ||
    ts.isExportAssignment(parent) ||
    ts.isTypeNode(parent) ||
    ts.isQualifiedName(parent) ||
    ts.isTypeAliasDeclaration(parent) ||
    ts.isInterfaceDeclaration(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isTypeParameterDeclaration(parent)
  );
}

/** Whether a component only gets another name here: `const Page = memo(Inner)`, `export default Inner`. */
function isPassedOn(symbols: Symbols, node: ts.Identifier, component: Component): boolean {
  let value: ts.Node = wrapped(node);
  while (ts.isCallExpression(value.parent) && value.parent.expression !== value) {
    if (/createElement$/.test(value.parent.expression.getText())) return false;
    value = wrapped(value.parent);
  }
  const { parent } = value;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === value) {
    // Page.displayName = "…"
    const assigned = parent.parent;
    return ts.isBinaryExpression(assigned) && assigned.left === parent;
  }
  if (!ts.isVariableDeclaration(parent) && !ts.isExportAssignment(parent)) return false;
  return declaredComponent(symbols, parent) === component;
}
