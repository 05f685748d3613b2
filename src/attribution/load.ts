import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { stableText } from "../backup/dump/contents.ts";
import { whyUnreadable } from "../backup/folder/manifest.ts";
import { AppError } from "../errors.ts";
import { isConnectionLoss, type Queries, type Target } from "../postgres/connection.ts";
import { withSession } from "../postgres/sessions.ts";
import { ident, list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import {
  type Kept,
  type KeptTable,
  keptMemberships,
  keptOrganizations,
} from "../steps/model/kept.ts";
import { type Attribution, type RecordsFile, recordFiles, refused } from "./manifest.ts";

/**
 * Loads what a rollback saved into the journal's schema, for the steps of the stage. Tables that an
 * earlier attempt loaded are dropped. All of it is one transaction.
 * @throws AppError ATTRIBUTION_REFUSED where the server cannot load the files
 */
export async function loadAttribution(
  target: Target,
  folder: string,
  attribution: Attribution,
): Promise<Kept> {
  const settings = { statement_timeout: "0", ...stableText };
  try {
    return await withSession(target, "tenantry attribution", settings, (session) =>
      session.transaction((queries) => load(queries, folder, attribution)),
    );
  } catch (error) {
    // An error of the server or of zlib is about the files; a lost connection is not.
    const { success: fromOutside } = z.object({ code: z.string() }).safeParse(error);
    if (!fromOutside || isConnectionLoss(error) || error instanceof AppError) throw error;
    throw refused(folder, "cannot be loaded", whyUnreadable(error));
  }
}

async function load(queries: Queries, folder: string, attribution: Attribution): Promise<Kept> {
  await dropLoaded(queries);
  if (attribution.organizations) {
    const { organizations, memberships } = recordFiles(attribution.format);
    await loadRecords(queries, keptOrganizations, folder, organizations);
    await loadRecords(queries, keptMemberships, folder, memberships);
  }
  const tables: KeptTable[] = [];
  for (const { schema, name, kept } of attribution.tables) {
    if (kept.kind !== "rows") continue;
    const loadedAs = { schema: "tenantry", name: `kept_rows_${tables.length + 1}` };
    const table = { relation: { schema, name }, key: kept.key, loadedAs };
    await loadRows(queries, table, path.join(folder, kept.file));
    tables.push(table);
  }
  return { organizations: attribution.organizations, tables };
}

async function loadRecords(
  queries: Queries,
  into: RelationName,
  folder: string,
  { name, form }: RecordsFile,
): Promise<void> {
  const file = path.join(folder, name);
  await queries.execute(sql`CREATE TABLE ${ident(into)} (record jsonb NOT NULL)`);
  switch (form) {
    case "rows":
      await copyFrom(queries, sql`COPY ${ident(into)} (record) FROM STDIN`, file);
      break;
    case "array":
      await queries.execute(sql`
        INSERT INTO ${ident(into)}
        SELECT record
          FROM jsonb_array_elements(${await readFile(file, "utf8")}::jsonb) AS record
      `);
      break;
    default:
      form satisfies never;
  }
  await queries.execute(sql`ANALYZE ${ident(into)}`);
}

async function copyFrom(queries: Queries, copy: Sql, file: string): Promise<void> {
  const plain = new PassThrough();
  const unpacking = pipeline(createReadStream(file), createGunzip(), plain);
  await Promise.all([queries.copyIn(copy, plain), unpacking]);
}

async function loadRows(queries: Queries, table: KeptTable, file: string): Promise<void> {
  const { relation, key, loadedAs } = table;
  const columns = list(key.map((column) => ident(column)));
  await queries.execute(sql`
    CREATE TABLE ${ident(loadedAs)} AS
    SELECT ${columns},
           NULL::uuid AS kept_organization
      FROM ${ident(relation)}
      WITH NO DATA
  `);
  const copy = sql`COPY ${ident(loadedAs)} (${columns}, kept_organization) FROM STDIN`;
  await copyFrom(queries, copy, file);
  await queries.execute(sql`ALTER TABLE ${ident(loadedAs)} ADD PRIMARY KEY (${columns})`);
  await queries.execute(sql`ANALYZE ${ident(loadedAs)}`);
}

/** Drops what was loaded, when the stage is applied or undone. */
export async function dropLoaded(queries: Queries): Promise<void> {
  const loaded = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'tenantry'
         AND c.relkind = 'r'
         AND c.relname ~ '^kept_(organizations|memberships|rows_[0-9]+)$'
    `,
    z.object({ schema: z.string(), name: z.string() }),
  );
  for (const table of loaded) await queries.execute(sql`DROP TABLE ${ident(table)}`);
}
