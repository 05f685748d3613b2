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
import type { OpenBackup } from "../folder/open.ts";
import { programFailed } from "../programs/client-failure.ts";
import { clientProgramsForDump } from "../programs/client-programs.ts";
import { connectionFor } from "../programs/connection-options.ts";
import { launch } from "../programs/launch.ts";

/** What the name of a database ends in while it is restored beside the live one. */
export const beingRestoredSuffix = "_being_restored";

/** What a restore goes by. */
export type Restorable = Pick<
  OpenBackup,
  "globals" | "fingerprint" | "serverMajor" | "dumpMajor" | "dump"
>;

export type RestoreRequest = {
  readonly backup: Restorable;
  /** A database of the server to restore into; the role needs CREATEDB, or to be a superuser. */
  readonly server: Target;
  /** The database to make: there must be none of that name. */
  readonly database: string;
  readonly jobs: number;
  /** Whether a locale that the server lacks may be another one: for a copy that is looked at only. */
  readonly anyLocale: boolean;
  /** Brings the rows itself, between the tables and their keys: what was dumped is the schema only. */
  readonly fill?: (target: Target) => Promise<void>;
  readonly signal?: AbortSignal;
};

/**
 * Restores a backup into a database of its own: roles that are missing, the database with its
 * settings and grants, and all that was dumped. What fails leaves no database.
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

/** Without an extension's files, most of what uses it cannot be made. */
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
    fault: "the server lacks these extensions, which the database uses",
    state: "nothing was restored",
    next: "give a server that has them, like a container of the image that production runs (--scratch, or --into)",
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

/** Without a log of it: the settings of a database are a place for an application's secrets. */
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

/** A new database has a schema `public` again, which pg_dump takes for granted and never drops. */
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
 * pg_restore switches off every timeout but this one, which ends a worker that waits for another. It
 * is set only where it would be another: some poolers refuse a connection with options.
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
    // Somebody waits for it, in an incident perhaps.
    const launched = { program, password, signal, removesWhenKilled: [], givesWay: false };
    await launch(launched, (passfile) =>
      pgRestore(connectionFor(target, passfile, settings), {
        filePath: backup.dump,
        format: FormatEnum.Directory,
        jobs,
        exitOnError: true,
        ...(section === undefined ? {} : { sectionName: section }),
      }),
    );
  } catch (error) {
    throw programFailed(error, {
      program: "pg_restore",
      code: "RESTORE_FAILED",
      object: database,
      password,
      state: "what was begun is dropped again; nothing else was changed",
      next: "fix what pg_restore says, or give another server; it has three sessions of its own, which max_connections and the CONNECTION LIMIT of role and database must leave room for",
    });
  }
}
