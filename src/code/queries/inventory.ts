import ts from "typescript";
import { type Annotation, annotationsOf } from "../reading/annotation.ts";
import type { Project } from "../reading/project.ts";
import { type Symbols, symbolsOf } from "../reading/symbols.ts";
import { everyNode } from "../reading/syntax.ts";
import { sqlTextFrom, taggedSqlFrom } from "../sql/text.ts";
import { cacheFrom, queryObjectFrom, runtimeCachesFrom, storageAccessFrom } from "./cache.ts";
import { chainsFrom, type Surroundings } from "./chain.ts";
import type { Entry } from "./entry.ts";
import { fromValueIn } from "./from-value.ts";
import { asksOtherwise, otherQueryFrom } from "./library.ts";
import { remoteCallsFrom } from "./remote-calls.ts";
import { subscriptionFrom } from "./subscription.ts";
import { type TenantTables, tenantTablesOf } from "./tenant-tables.ts";

/** All places in the code where tenants' data comes or goes. */
export type Inventory = {
  readonly project: Project;
  readonly symbols: Symbols;
  readonly tables: TenantTables;
  readonly entries: readonly Entry[];
  readonly annotations: readonly Annotation[];
};

/** Reads a project's inventory: by syntax and symbols, nothing is run. */
export function takeInventory(project: Project): Inventory {
  const symbols = symbolsOf(project);
  const tables = tenantTablesOf(project.settings);
  const annotations = new Map(project.files.map((file) => [file.name, annotationsOf(file)]));
  const hasOthers = asksOtherwise(project);
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

function entriesOf(around: Surroundings, hasOthers: boolean): Entry[] {
  const found: Entry[] = [];
  const add = (entry: Entry | undefined) => {
    if (entry !== undefined) found.push(entry);
  };
  everyNode(around.file.source, (node) => {
    if (ts.isObjectLiteralExpression(node)) {
      found.push(...runtimeCachesFrom(around, node));
      add(queryObjectFrom(around, node));
    }
    add(storageAccessFrom(around, node));
    add(fromValueIn(around, node));
    if (ts.isNewExpression(node)) add(cacheFrom(around, node));
    if (ts.isTaggedTemplateExpression(node)) add(taggedSqlFrom(around, node));
    if (!ts.isCallExpression(node)) return;
    found.push(...chainsFrom(around, node));
    found.push(...remoteCallsFrom(around, node));
    add(subscriptionFrom(around, node));
    add(cacheFrom(around, node));
    add(sqlTextFrom(around, node));
    if (hasOthers) add(otherQueryFrom(around, node));
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
