import ts from "typescript";
import { type Filter, narrowsTo } from "../queries/filters.ts";
import type { Inventory } from "../queries/inventory.ts";
import type {
  Cache,
  Chain,
  Entry,
  SqlText,
  StorageAccess,
  Subscription,
} from "../queries/inventory-entry.ts";
import type { Judgement } from "../queries/payload-column.ts";
import { everyNode, isNothing, unwrap } from "../reading/syntax.ts";
import { textsOf } from "../reading/text-variants.ts";
import { isStatementFenced } from "../sql/fence.ts";
import { storedUnder } from "./stored-values.ts";

export const states = [
  /** It names the organization. */
  "fenced",
  "unfenced",
  /** It looks up a tenant, before the organization is known. */
  "look-up",
  /** It reads with the user's key, and the configuration relies on row-level security for that. */
  "row-level security",
  /** It is for all organizations, with a reason. */
  "annotated",
  "no organization",
  /** The configuration does not list the table. */
  "unlisted",
  "unresolved",
  /** The code alone does not show it. */
  "not judged",
] as const;

export type State = (typeof states)[number];

/** Whether an entry names the organization, or why it need not. */
export function stateOf(entry: Entry, inventory: Inventory): State {
  if (entry.annotation?.reason !== undefined) return "annotated";
  switch (entry.kind) {
    case "chain":
      return stateOfChain(entry, inventory);
    case "subscription":
      return stateOfSubscription(entry, inventory);
    case "cache":
      return stateOfCache(entry, inventory);
    case "sql":
      return stateOfSql(entry, inventory);
    case "storage":
      return stateOfStorage(entry, inventory);
    case "rpc":
    case "invocation":
    case "other":
      return "not judged";
    default:
      return entry satisfies never;
  }
}

function stateOfChain(chain: Chain, inventory: Inventory): State {
  const { tables } = inventory;
  if (chain.tables.kind === "unresolved") return "unresolved";
  if (!chain.relations.some(tables.hasOrganization))
    return chain.relations.every(tables.isListed) ? "no organization" : "unlisted";
  switch (chain.operation) {
    case "insert":
    case "upsert":
      return isPayloadFenced(chain) ? "fenced" : "unfenced";
    case "select":
    case "update":
    case "delete":
      return stateOfFilters(chain, inventory);
    case "none":
      return "unresolved";
    default:
      return chain.operation satisfies never;
  }
}

function stateOfFilters(chain: Chain, inventory: Inventory): State {
  const { project, tables } = inventory;
  const { code, names } = project.settings;
  if (fenceOf(chain, names.organizationColumn) !== undefined) return "fenced";
  const isLookup = chain.filters.some((filter) =>
    chain.relations.every(
      (relation) =>
        filter.column !== null &&
        tables.isLookup(relation, filter.column) &&
        narrowsTo(filter, filter.column),
    ),
  );
  if (isLookup && chain.operation === "select") return "look-up";
  const trusted = code.filters === "service-role-only" && chain.client.kind === "user-key";
  return trusted ? "row-level security" : "unfenced";
}

/** The filter that always applies and limits the rows to one organization; undefined where there is none. */
export function fenceOf({ filters }: Chain, column: string): Filter | undefined {
  return filters.find(
    (filter) => narrowsTo(filter, column) && filter.value !== undefined && !isNothing(filter.value),
  );
}

/** Whether every written row names its organization. */
function isPayloadFenced({ payload }: Chain): boolean {
  return (
    payload !== undefined &&
    payload.rows.length > 0 &&
    payload.rows.every(({ judgement }) => isSet(judgement))
  );
}

function isSet(judgement: Judgement): boolean {
  return judgement.kind === "set" && !isNothing(judgement.value);
}

function stateOfSubscription({ relation, filter }: Subscription, inventory: Inventory): State {
  const { tables, project, symbols } = inventory;
  if (relation === undefined) return "unresolved";
  if (!tables.hasOrganization(relation))
    return tables.isListed(relation) ? "no organization" : "unlisted";
  const fenced = new RegExp(`^${project.settings.names.organizationColumn}=(eq|in)\\.`);
  const texts = filter === undefined ? [] : (textsOf(symbols, filter) ?? []);
  return texts.length > 0 && texts.every((text) => fenced.test(text)) ? "fenced" : "unfenced";
}

function stateOfCache(cache: Cache, inventory: Inventory): State {
  const { key } = cache;
  const { sharedKeys } = inventory.project.settings.code;
  if (cache.isShared) return "no organization";
  if (/Storage$/.test(cache.store) && storedUnder(cache, inventory) === "interface")
    return "no organization";
  if (key === undefined) return "unfenced";
  const named = (node: ts.Node) => ts.isStringLiteralLike(node) && sharedKeys.includes(node.text);
  const first = ts.isArrayLiteralExpression(key) ? key.elements[0] : key;
  if (first !== undefined && named(unwrap(first))) return "no organization";
  return namesOrganization(key, cache.part, inventory) ? "fenced" : "unfenced";
}

/** Whether an expression contains the organization, by its configured name or the column's. */
function namesOrganization(
  node: ts.Node,
  part: Entry["part"],
  { project, symbols }: Inventory,
): boolean {
  const { code, names } = project.settings;
  const last = code[part].organization.split(".").at(-1);
  let found = false;
  const look = (inner: ts.Node, way: number): void =>
    everyNode(inner, (one) => {
      if (!ts.isIdentifier(one)) return;
      if (one.text === last || one.text === names.organizationColumn) found = true;
      const [declaration] = way > 2 ? [] : (symbols.symbolOf(one)?.declarations ?? []);
      if (
        declaration !== undefined &&
        ts.isVariableDeclaration(declaration) &&
        declaration.initializer !== undefined &&
        (ts.isTemplateExpression(declaration.initializer) ||
          ts.isArrayLiteralExpression(declaration.initializer))
      )
        look(declaration.initializer, way + 1);
    });
  look(node, 0);
  return found;
}

function stateOfSql({ relations, statements, unread }: SqlText, inventory: Inventory): State {
  const { tables, project } = inventory;
  if (!relations.some(tables.hasOrganization)) {
    if (unread !== undefined) return "unresolved";
    // A function that the SQL calls may read any table.
    return relations.length === 0 ? "not judged" : "no organization";
  }
  const { organizationColumn } = project.settings.names;
  const isFenced = statements.every((statement) =>
    isStatementFenced(statement, organizationColumn, ({ schema, name }) =>
      tables.hasOrganization(tables.relationOf(name, schema)),
    ),
  );
  return unread === undefined && isFenced ? "fenced" : "unfenced";
}

const pathMethods = new Set(
  "upload update move copy createSignedUploadUrl uploadToSignedUrl list download remove".split(" "),
);

function stateOfStorage({ path, method, part }: StorageAccess, inventory: Inventory): State {
  if (!pathMethods.has(method)) return "not judged";
  return path !== undefined && namesOrganization(path, part, inventory) ? "fenced" : "unfenced";
}
