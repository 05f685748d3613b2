import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FormatEnum, pgRestore } from "pg-dump-restore";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { type Session, type Target, targetParts } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSession } from "../../postgres/sessions.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { knownLocale, localeClauses } from "../dump/database-locale.ts";
import {
  databaseSettings,
  databaseStatements,
  roleSettings,
  roleStatements,
} from "../dump/globals.ts";
import type { Dump, OpenBackup } from "../folder/open.ts";
import { programFailed } from "../programs/client-failure.ts";
import { clientProgramsForDump } from "../programs/client-programs.ts";
import { connectionFor } from "../programs/connection-options.ts";
import { launch } from "../programs/launch.ts";
import { type Flow, FlowFailed } from "../programs/pipe.ts";

/** The end of a database's name while it is restored beside the live one. */
export const beingRestoredSuffix = "_being_restored";

/** What a restore needs of a backup. */
export type Restorable = Pick<
  OpenBackup,
  "globals" | "fingerprint" | "serverMajor" | "dumpMajor" | "dump"
>;

export type RestoreRequest = {
  readonly backup: Restorable;
  /** A database of the server to restore into; the role must have CREATEDB or be a superuser. */
  readonly server: Target;
  /** The database to create; it must not exist. */
  readonly database: string;
  readonly jobs: number;
  /** Whether a locale that the server does not have may be replaced: for a temporary copy only. */
  readonly anyLocale: boolean;
  /** Inserts the rows between pre-data and post-data, if the dump holds only the schema. */
  readonly fill?: (target: Target) => Promise<void>;
  readonly signal?: AbortSignal;
};

/**
 * Restores a backup into a new database: missing roles, the database with its settings and grants, and
 * the dump. If it fails, the database is dropped.
 * @throws AppError RESTORE_FAILED, BACKUP_TOOL_MISSING
 */
export async function restoreBackup(request: RestoreRequest): Promise<void> {
  const { backup, server, database, signal } = request;
  await inSession(server, async (session) => {
    await verifyExtensions(request, session);
    await createRoles(request, session);
    await createDatabase(request, session);
    try {
      await dropPublicSchema(request);
      await runRestore(request);
      signal?.throwIfAborted();
      for (const statement of databaseStatements(backup.globals, database)) {
        await session.execute(statement);
      }
      await executeUnobserved(server, databaseSettings(backup.globals, database));
    } catch (error) {
      await session.execute(sql`DROP DATABASE IF EXISTS ${ident(database)} WITH (FORCE)`);
      throw error;
    }
  });
}

/** An extension whose files are not installed cannot be created, and so nothing that uses it. */
async function verifyExtensions({ backup }: RestoreRequest, session: Session): Promise<void> {
  const available = await session.rows(
    sql`SELECT name::text FROM pg_available_extensions`,
    z.object({ name: z.string() }),
  );
  const missing = backup.globals.extensions.filter(
    ({ name }) => !available.some((one) => one.name === name),
  );
  if (missing.length === 0) return;
  throw new AppError({
    code: "RESTORE_FAILED",
    object: missing.map(({ name }) => name).join(", "),
    fault: "these extensions are not installed on the server, and the database uses them",
    state: "nothing was restored",
    next: "install them, or name a server that has them with --scratch or --into, such as a container of production's image",
    details: missing.map(({ name, version }) => `${name} ${version}`),
  });
}

async function createRoles({ backup, server }: RestoreRequest, session: Session): Promise<void> {
  const existing = await session.rows(
    sql`SELECT rolname::text AS name FROM pg_roles`,
    z.object({ name: z.string() }),
  );
  const names = existing.map(({ name }) => name);
  for (const statement of roleStatements(backup.globals, names)) await session.execute(statement);
  await executeUnobserved(server, roleSettings(backup.globals, names));
}

/** Not logged: settings of a database or a role may hold an application's secrets. */
async function executeUnobserved(server: Target, statements: readonly Sql[]): Promise<void> {
  const { observe: _observe, ...unobserved } = server;
  await inSession(unobserved, async (session) => {
    for (const statement of statements) await session.execute(statement);
  });
}

function inSession<Result>(
  target: Target,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  return withSession(target, "tenantry restore", sessionSettings, work);
}

async function createDatabase(
  { backup, database, anyLocale }: RestoreRequest,
  session: Session,
): Promise<void> {
  const locale = anyLocale ? await knownLocale(session, backup.globals) : backup.globals;
  await session.execute(sql`
    CREATE DATABASE ${ident(database)}
      TEMPLATE template0
      ${localeClauses(locale)}
  `);
}

/** A new database has a schema `public`. pg_dump expects it and never drops it. */
async function dropPublicSchema({ backup, server, database }: RestoreRequest): Promise<void> {
  if (backup.fingerprint.entries.some(({ object }) => object === "schema public")) return;
  await inSession({ ...server, database }, (session) => session.execute(sql`DROP SCHEMA public`));
}

async function runRestore(request: RestoreRequest): Promise<void> {
  const { server, database, fill } = request;
  const target: Target = { ...server, database };
  if (fill === undefined) return restoreSections(request, target, undefined);
  await restoreSections(request, target, "pre-data");
  await fill(target);
  await restoreSections(request, target, "post-data");
}

/**
 * pg_restore disables every timeout except idle_session_timeout, which ends a worker that waits for
 * another. It is set only if it is not 0 already, because some poolers refuse a connection with options.
 */
function settingsForWorkers(target: Target): Promise<Readonly<Record<string, string>>> {
  return inSession(target, async (session) => {
    const limited = await session.rows(
      sql`
        SELECT name
          FROM pg_settings
         WHERE name = 'idle_session_timeout'
           AND reset_val <> '0'
      `,
      z.object({ name: z.string() }),
    );
    return Object.fromEntries(limited.map(({ name }) => [name, "0"]));
  });
}

async function restoreSections(
  { backup, database, jobs, signal }: RestoreRequest,
  target: Target,
  section: "pre-data" | "post-data" | undefined,
): Promise<void> {
  const { password } = targetParts(target);
  const { pgRestore: program } = await clientProgramsForDump(backup.dumpMajor);
  const settings = await settingsForWorkers(target);
  try {
    const { dump } = backup;
    const flow = dump.kind === "folder" ? undefined : await flowOf(dump.read);
    const launched = { program, password, signal, removesWhenKilled: [], nice: false, flow };
    await launch(launched, ({ passfile, pipe }) =>
      pgRestore(connectionFor(target, passfile, settings), {
        ...inputOf(dump, jobs, pipe),
        exitOnError: true,
        ...(section === undefined ? {} : { sectionName: section }),
      }),
    );
  } catch (error) {
    // A wrong identity.
    if (error instanceof AppError) throw error;
    throw programFailed(error, {
      program: error instanceof FlowFailed ? "reading the encrypted dump" : "pg_restore",
      code: "RESTORE_FAILED",
      object: database,
      password,
      state: "the unfinished database is dropped; nothing else was changed",
      next: "fix what pg_restore reports, then run the same command again, or name another server. max_connections and the CONNECTION LIMIT of role and database must allow pg_restore's three sessions",
    });
  }
}

/** The dump as a stream. A wrong identity is found here, before pg_restore is started. */
async function flowOf(read: () => Promise<Readable>): Promise<Flow> {
  const content = await read();
  return { kind: "to program", give: (program) => pipeline(content, program) };
}

/** pg_restore reads a stream with one job, and a folder with several. */
function inputOf(dump: Dump, jobs: number, pipe: string | undefined) {
  switch (dump.kind) {
    case "folder":
      return { filePath: dump.path, format: FormatEnum.Directory, jobs };
    case "stream":
      if (pipe === undefined) throw new Error("a stream needs a pipe");
      return { filePath: pipe, format: FormatEnum.Custom };
    default:
      return dump satisfies never;
  }
}
