import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { z } from "zod";
import { stableText } from "../backup/dump/contents.ts";
import { finishFolder, removeAttempt, reserveFolder } from "../backup/folder/folder.ts";
import { attributionSuffix } from "../backup/folder/layout.ts";
import { describeFiles, partialSuffix, writeManifest } from "../backup/folder/manifest.ts";
import type { Relation } from "../catalog/relations.ts";
import { findRelation, readSnapshot } from "../catalog/snapshot.ts";
import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import { AppError, diskFix, messageOf } from "../errors.ts";
import type { Run } from "../journal/journal.ts";
import type { Queries, Target } from "../postgres/connection.ts";
import { withSession } from "../postgres/sessions.ts";
import { ident, list, type RelationName, type Some, type Sql, sql } from "../postgres/sql.ts";
import { type Attribution, recordFiles } from "./manifest.ts";

/**
 * Saves what undoing a run loses: organizations, memberships, and the organization of each row. Rows
 * that are written between this and the end of the rollback are not in it.
 * @param folder where the backups are
 * @param tell reports notices
 * @returns the folder that was written
 * @throws AppError ROLLBACK_REFUSED where it cannot be written, before anything is undone
 */
export async function keepAttribution(
  target: Target,
  run: Run,
  folder: string,
  tell: (text: string) => void,
): Promise<string> {
  const madeAt = new Date().toISOString();
  const name = `${run.stage}-${madeAt.replaceAll(/[-:]|\.\d+/g, "")}${attributionSuffix}`;
  let made: string | undefined;
  try {
    made = await reserveFolder(folder, name, tell);
    await write(target, run, `${made}${partialSuffix}`, madeAt);
    await finishFolder(made);
    return made;
  } catch (error) {
    const left = made === undefined ? [] : await removeAttempt(`${made}${partialSuffix}`);
    throw new AppError({
      code: "ROLLBACK_REFUSED",
      object: run.stage,
      fault: `row ownership could not be saved: ${messageOf(error)}`,
      state: "nothing was undone",
      next:
        error instanceof AppError && error.code === "CONNECTION_FAILED"
          ? error.next
          : (diskFix(error, elsewhere) ??
            "set backups.folder in the configuration to a folder that can be written, or add --lose-attribution"),
      details: left,
      cause: error,
    });
  }
}

const elsewhere =
  "set backups.folder in the configuration to a folder on another disk, or add --lose-attribution";

const settings = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  row_security: "off",
  ...stableText,
};

function write(target: Target, run: Run, folder: string, madeAt: string): Promise<void> {
  return withSession(target, "tenantry attribution", settings, async (session) => {
    const snapshot = await readSnapshot(session);
    const database = await readDatabaseIdentity(session);
    const organizations =
      run.stage === "day1" && findRelation(snapshot, run.tenancy.organizations) !== undefined;
    const tables = await session.transaction(async (queries) => {
      if (organizations) {
        const files = recordFiles(2);
        const { organizations: all, memberships } = run.tenancy;
        await keepRecords(queries, all, path.join(folder, files.organizations.name));
        await keepRecords(queries, memberships, path.join(folder, files.memberships.name));
      }
      await mkdir(path.join(folder, "rows"), { mode: 0o700 });
      const kept: Attribution["tables"] = [];
      for (const { relation } of run.fences) {
        const existing = findRelation(snapshot, relation);
        if (!existing?.columns.some(({ name }) => name === run.tenancy.column)) continue;
        const file = path.join("rows", `${kept.length + 1}.copy.gz`);
        kept.push(await keepRows(queries, run.tenancy, existing, { folder, file }));
      }
      return kept;
    }, "read only snapshot");
    const attribution: Attribution = {
      ...{ format: 2, kind: "attribution", stage: run.stage, madeAt, database },
      ...{ organizations, tables, files: await describeFiles(folder) },
    };
    await writeManifest(folder, attribution);
  });
}

/** Every column of every row: all of them as one value would have a limit. */
async function keepRecords(queries: Queries, relation: RelationName, file: string): Promise<void> {
  const records = sql`SELECT to_jsonb(record.*) FROM ${ident(relation)} AS record`;
  await copyInto(queries, records, file);
}

/** Writes the rows of a query as COPY does, compressed. @returns how many there are */
async function copyInto(queries: Queries, rows: Sql, file: string): Promise<number> {
  // COPY ends this stream, which must happen before gzip has written the file.
  const plain = new PassThrough();
  const packing = pipeline(
    plain,
    createGzip({ level: 1 }),
    createWriteStream(file, { mode: 0o600, flush: true }),
  );
  const copying = queries.copyOut(sql`COPY (${rows}) TO STDOUT`, plain);
  const [count] = await Promise.all([copying, packing]);
  return count;
}

async function keepRows(
  queries: Queries,
  { column, defaultOrganizationId, helpers }: Run["tenancy"],
  existing: Relation,
  { folder, file }: { readonly folder: string; readonly file: string },
): Promise<Attribution["tables"][number]> {
  const relation = { schema: existing.schema, name: existing.name };
  // A partitioned table has its rows in its partitions only.
  const rowsOf =
    existing.kind === "partitioned table" ? ident(relation) : sql`ONLY ${ident(relation)}`;
  // A table without a source: a source could give another organization when the stage is run again.
  const withoutSource = existing.columns.some(
    (one) => one.name === column && one.default?.includes(helpers.writingOrganization.name),
  );
  if (withoutSource && (await allInOne(queries, rowsOf, column, defaultOrganizationId))) {
    return { ...relation, rows: 0, kept: { kind: "default" } };
  }
  const key = keyOf(existing, column);
  if (key === undefined) return { ...relation, rows: 0, kept: { kind: "no key" } };
  const columns = list([...key, column].map((name) => ident(name)));
  const rows = await copyInto(
    queries,
    sql`SELECT ${columns} FROM ${rowsOf} WHERE ${ident(column)} IS NOT NULL`,
    path.join(folder, file),
  );
  return { ...relation, rows, kept: { kind: "rows", key: [...key], file } };
}

/** Whether all rows have this organization; read from the index, without reading the table. */
async function allInOne(
  queries: Queries,
  rowsOf: Sql,
  column: string,
  organization: string,
): Promise<boolean> {
  const end = (direction: "ASC" | "DESC") => sql`
    SELECT ${ident(column)}::text
      FROM ${rowsOf}
     WHERE ${ident(column)} IS NOT NULL
     ORDER BY ${ident(column)} ${direction === "ASC" ? sql`ASC` : sql`DESC`}
     LIMIT 1
  `;
  const [row] = await queries.rows(
    sql`SELECT (${end("ASC")}) AS first, (${end("DESC")}) AS last`,
    z.object({ first: z.string().nullable(), last: z.string().nullable() }),
  );
  if (row === undefined) throw new Error("a query without FROM returned no row");
  return [row.first, row.last].every((found) => found === null || found === organization);
}

/** The columns that identify a row: the primary key, or another unique index over columns that are NOT NULL. */
function keyOf({ indexes, columns }: Relation, tenancyColumn: string): Some<string> | undefined {
  const notNull = new Set(columns.filter((one) => one.notNull).map(({ name }) => name));
  const keys = indexes.flatMap((index) => {
    const whole = index.unique && index.valid && !index.partial && index.columns.length > 0;
    const names = index.columns.filter(
      (name) => name !== null && notNull.has(name) && name !== tenancyColumn,
    );
    return whole && names.length === index.columns.length ? [names.map(String)] : [];
  });
  const [first, ...rest] = keys.sort((one, other) => one.length - other.length)[0] ?? [];
  return first === undefined ? undefined : [first, ...rest];
}
