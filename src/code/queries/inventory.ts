import ts from "typescript";
import { type Annotation, annotationsOf } from "../reading/annotation.ts";
import type { Project } from "../reading/project.ts";
import { type Symbols, symbolsOf } from "../reading/symbols.ts";
import { everyNode } from "../reading/syntax.ts";
import { sqlTextFrom, taggedSqlFrom } from "../sql/text.ts";
import { cacheFrom, queryObjectFrom, runtimeCachesFrom, storageAccessFrom } from "./cache.ts";
import { chainsFrom, type FileContext } from "./chain.ts";
import { fromValueIn } from "./from-value.ts";
import type { Entry } from "./inventory-entry.ts";
import { importsOtherLibrary, otherQueryFrom } from "./other-libraries.ts";
import { remoteCallsFrom } from "./remote-calls.ts";
import { subscriptionFrom } from "./subscription.ts";
import { type TenantTables, tenantTablesOf } from "./tenant-tables.ts";

/** All places where the code reads or writes tenants' data. */
export type Inventory = {
  readonly project: Project;
  readonly symbols: Symbols;
  readonly tables: TenantTables;
  readonly entries: readonly Entry[];
  readonly annotations: readonly Annotation[];
};

/** Reads a project's inventory from its syntax and symbols; no code is run. */
export function takeInventory(project: Project): Inventory {
  const symbols = symbolsOf(project);
  const tables = tenantTablesOf(project.settings);
  const annotations = new Map(project.files.map((file) => [file.name, annotationsOf(file)]));
  const hasOthers = importsOtherLibrary(project);
  const entries = project.files.flatMap((file) =>
    entriesOf({ symbols, tables, annotations, file }, hasOthers),
  );
  return {
    project,
    symbols,
    tables,
    entries: inOrder(entries),
    annotations: [...annotations.values()].flat(),
  };
}

function entriesOf(context: FileContext, hasOthers: boolean): Entry[] {
  const found: Entry[] = [];
  const add = (entry: Entry | undefined) => {
    if (entry !== undefined) found.push(entry);
  };
  everyNode(context.file.source, (node) => {
    if (ts.isObjectLiteralExpression(node)) {
      found.push(...runtimeCachesFrom(context, node));
      add(queryObjectFrom(context, node));
    }
    add(storageAccessFrom(context, node));
    add(fromValueIn(context, node));
    if (ts.isNewExpression(node)) add(cacheFrom(context, node));
    if (ts.isTaggedTemplateExpression(node)) add(taggedSqlFrom(context, node));
    if (!ts.isCallExpression(node)) return;
    found.push(...chainsFrom(context, node));
    found.push(...remoteCallsFrom(context, node));
    add(subscriptionFrom(context, node));
    add(cacheFrom(context, node));
    add(sqlTextFrom(context, node));
    if (hasOthers) add(otherQueryFrom(context, node));
  });
  return found;
}

function inOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort(
    ({ place: one }, { place: other }) =>
      (one.file < other.file ? -1 : Number(one.file > other.file)) ||
      one.line - other.line ||
      one.column - other.column,
  );
}
