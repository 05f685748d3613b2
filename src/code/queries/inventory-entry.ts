import type { Node as SqlNode } from "libpg-query";
import type ts from "typescript";
import type { RelationName } from "../../postgres/sql.ts";
import type { Client } from "../clients/client.ts";
import type { Annotation } from "../reading/annotation.ts";
import type { LaterCall } from "../reading/later-calls.ts";
import type { PartName } from "../reading/project.ts";
import type { SourcePlace } from "../reading/syntax.ts";
import type { Tables } from "../reading/table-name.ts";
import type { Selection } from "./embeds.ts";
import type { Filter } from "./filters.ts";
import type { Payload } from "./payload.ts";

export const operations = ["select", "insert", "update", "upsert", "delete"] as const;
export type Operation = (typeof operations)[number];

type Found = {
  readonly place: SourcePlace;
  readonly part: PartName;
  readonly node: ts.Expression;
  readonly annotation: Annotation | undefined;
};

/** A query: `client.from(table)` with all calls on it. */
export type Chain = Found & {
  readonly kind: "chain";
  readonly client: Client;
  readonly tables: Tables;
  /** The tables as the configuration names them; empty where the name cannot be read. */
  readonly relations: readonly RelationName[];
  readonly operation: Operation | "none";
  /** The call of the operation; filters are added after it. */
  readonly operationCall: ts.CallExpression | undefined;
  readonly payload: Payload | undefined;
  /** Filters in the chain itself, then those that are added later. */
  readonly filters: readonly Filter[];
  readonly selection: Selection;
  readonly later: readonly LaterCall[];
};

/** A database function that is called. */
export type RemoteCall = Found & {
  readonly kind: "rpc";
  readonly client: Client;
  readonly name: string;
};

/** An edge function that is called. */
export type Invocation = Found & { readonly kind: "invocation"; readonly name: string };

/** A file in a bucket. */
export type StorageAccess = Found & {
  readonly kind: "storage";
  readonly client: Client;
  readonly bucket: string;
  readonly method: string;
  readonly path: ts.Expression | undefined;
};

/** A realtime subscription to the changes of a table. */
export type Subscription = Found & {
  readonly kind: "subscription";
  /** Undefined for all tables, or where the name cannot be read. */
  readonly table: string | undefined;
  readonly relation: RelationName | undefined;
  readonly options: ts.ObjectLiteralExpression | undefined;
  readonly filter: ts.Expression | undefined;
};

export const stores = [
  "react-query",
  "swr",
  "localStorage",
  "sessionStorage",
  "cache-api",
  "service-worker",
] as const;

/** A place where values are stored under a key, in a browser that several tenants may use. */
export type Cache = Found & {
  readonly kind: "cache";
  readonly store: (typeof stores)[number];
  readonly method: string;
  readonly key: ts.Expression | undefined;
  /** Whether the stored values come only from tables without organizations. */
  readonly isShared: boolean;
};

/** SQL in a string that is passed to a driver. */
export type SqlText = Found & {
  readonly kind: "sql";
  /** The SQL without the parts that are added under a condition; empty where it cannot be read. */
  readonly text: string;
  /** All possible statements. */
  readonly statements: readonly SqlNode[];
  /** The part that cannot be followed or read, as the code has it. */
  readonly unread: string | undefined;
  readonly relations: readonly RelationName[];
};

/** A query through a library that is not read: it is listed, but not checked. */
export type OtherQuery = Found & { readonly kind: "other"; readonly library: string };

export type Entry =
  | Chain
  | RemoteCall
  | Invocation
  | StorageAccess
  | Subscription
  | Cache
  | SqlText
  | OtherQuery;
