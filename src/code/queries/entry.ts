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

/** A query: `client.from(table)` with all that is called on it. */
export type Chain = Found & {
  readonly kind: "chain";
  readonly client: Client;
  readonly tables: Tables;
  /** The tables as the configuration knows them; empty where the name was not followed. */
  readonly relations: readonly RelationName[];
  readonly operation: Operation | "none";
  /** The call of the operation; conditions go behind it. */
  readonly operationCall: ts.CallExpression | undefined;
  readonly payload: Payload | undefined;
  /** What stands in the chain itself, then what is added later. */
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

/** Changes of a table that are listened to. */
export type Subscription = Found & {
  readonly kind: "subscription";
  /** Undefined where it is all tables, or cannot be read. */
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

/** A place where answers are kept under a key, on a machine that several tenants may use. */
export type Cache = Found & {
  readonly kind: "cache";
  readonly store: (typeof stores)[number];
  readonly method: string;
  readonly key: ts.Expression | undefined;
  /** Whether what is kept comes from tables without organizations only. */
  readonly isShared: boolean;
};

/** SQL that is handed to a driver as a text. */
export type SqlText = Found & {
  readonly kind: "sql";
  /** As it is without what is put in only sometimes; empty where it was not followed. */
  readonly text: string;
  /** Every statement that it can be. */
  readonly statements: readonly SqlNode[];
  /** What of it could not be followed or read, as it stands in the code. */
  readonly unread: string | undefined;
  readonly relations: readonly RelationName[];
};

/** A query through a library that is not read: it is listed, and not judged. */
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
