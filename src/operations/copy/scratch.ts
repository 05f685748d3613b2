import { AppError } from "../../errors.ts";
import { type Target, targetParts } from "../../postgres/connection.ts";
import { withSessions } from "../../postgres/sessions.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { findServerBinaries } from "../../scratch/binaries.ts";
import { startServer } from "../../scratch/server.ts";

/** A server to restore into, and a name that no database on it has. */
export type Scratch = {
  readonly server: Target;
  readonly database: string;
  /** How people know it. */
  readonly origin: string;
};

/**
 * Provides a scratch server: the one given, on which a database is created and dropped
 * again, or one that is started here, of the major that the backup is from or the next that is here.
 * @throws AppError SERVER_NOT_STARTED when this machine has none that is new enough
 */
export async function withScratch<Result>(
  {
    given,
    major,
    settings = {},
  }: {
    readonly given: string | undefined;
    readonly major: number;
    readonly settings?: Readonly<Record<string, string>>;
  },
  work: (scratch: Scratch) => Promise<Result>,
): Promise<Result> {
  const database = `tenantry_scratch_${process.pid}_${Date.now()}`;
  if (given !== undefined) {
    const server: Target = { url: given };
    const { host, port } = targetParts(server);
    try {
      return await work({ server, database, origin: `${host}:${port}` });
    } finally {
      await withSessions(async (open) => {
        const state = `nothing was changed, but that the database ${database} may be left on ${host}:${port}`;
        const session = await open(server, "tenantry scratch", {}, state);
        await session.execute(sql`DROP DATABASE IF EXISTS ${ident(database)} WITH (FORCE)`);
      });
    }
  }
  const [binaries] = (await findServerBinaries())
    .filter((one) => one.major >= major)
    .sort((one, other) => one.major - other.major);
  if (binaries === undefined) throw noServer(major);
  const server = await startServer({ binaries, settings });
  try {
    const origin = `PostgreSQL ${binaries.version} (${binaries.origin})`;
    return await work({ server: { url: server.url }, database, origin });
  } finally {
    await server.stop();
  }
}

function noServer(major: number): AppError {
  return new AppError({
    code: "SERVER_NOT_STARTED",
    object: "a scratch server",
    fault: `PostgreSQL ${major} or later is not on this machine`,
    state: "nothing was changed",
    next: `install PostgreSQL ${major}'s server, or name one where a database may be made and dropped: --scratch postgresql://…`,
  });
}
