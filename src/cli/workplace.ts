import path from "node:path";
import { readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import type { WritingCommand } from "../check/check.ts";
import { refuseToWrite } from "../check/refuse.ts";
import { loadSettings, loadSettingsOrDefaults } from "../config/load.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Settings } from "../config/settings.ts";
import { type Lease, withLease } from "../journal/lease.ts";
import { createJournal } from "../journal/schema.ts";
import type { Session, Target } from "../postgres/connection.ts";
import { type Observer, observerOn } from "../postgres/observer.ts";
import { sessionSettings } from "../postgres/session-settings.ts";
import { type OpenSession, withSession, withSessions } from "../postgres/sessions.ts";
import { sql } from "../postgres/sql.ts";
import type { Listener } from "../report/events.ts";
import type { GlobalOptions } from "./options.ts";
import { type LoggedCommand, type Output, withOutput } from "./output.ts";

/** What a command works with: the configuration, the database, and who is told of what happens. */
export type Workplace = {
  readonly settings: Settings;
  readonly configFile: string;
  /** The folder of the configuration; relative paths in it start here. */
  readonly folder: string;
  readonly target: Target;
  readonly session: Session;
  readonly output: Output;
  /** For a copy: what its plan takes from the database that it is a copy of. */
  readonly planAs?: PlanAs;
};

/** What of a database decides over its plan, and is another on a copy. */
export type PlanAs = {
  /** Sizes of its tables, by relation: a small table is taken in one transaction. */
  readonly tableBytes: ReadonlyMap<string, number>;
  readonly triggersMayBeSilenced: boolean;
};

/** The snapshot to plan from. */
export async function readSnapshotToPlan({
  session,
  planAs,
}: Pick<Workplace, "session" | "planAs">): Promise<Snapshot> {
  const snapshot = await readSnapshot(session);
  if (planAs === undefined) return snapshot;
  return {
    ...snapshot,
    triggersMayBeSilenced: planAs.triggersMayBeSilenced,
    relations: snapshot.relations.map((relation) => ({
      ...relation,
      bytes: planAs.tableBytes.get(relationKey(relation)) ?? relation.bytes,
    })),
  };
}

/** What a command that writes works with. */
export type WritingWorkplace = Workplace & {
  readonly observer: Observer;
  readonly openBeside: () => Promise<Session>;
  readonly lease: Lease;
  readonly emit: Listener;
  readonly interrupted: AbortSignal;
  readonly applicationFolder: string;
};

/**
 * Where the database is: `--url`, then DATABASE_URL, then the PG* variables and ~/.pgpass. What is a
 * secret leaves the environment, which git, its hooks and pg_dump would otherwise inherit.
 */
export function takeTarget({ url }: Pick<GlobalOptions, "url">): Target {
  const { DATABASE_URL: databaseUrl, PGPASSWORD: password } = process.env;
  delete process.env["DATABASE_URL"];
  delete process.env["PGPASSWORD"];
  return { url: url ?? databaseUrl, password };
}

/**
 * Opens the configuration and one session, and closes the session when the work is done.
 * @param logged the command, where it writes and so keeps a log
 */
export async function withWorkplace<Result>(
  options: GlobalOptions,
  work: (workplace: Workplace) => Promise<Result>,
  logged?: LoggedCommand,
): Promise<Result> {
  // In an incident, a rollback goes by the journal, whatever became of the configuration.
  const load = logged === "rollback" ? loadSettingsOrDefaults : loadSettings;
  // Before the secrets are taken: a configuration in TypeScript may read the environment itself.
  const place: Awaited<ReturnType<typeof loadSettingsOrDefaults>> = await load(
    process.cwd(),
    options.config,
  );
  const { settings, folder, file, unread } = place;
  const target = takeTarget(options);
  const log = logged === undefined ? undefined : { command: logged, folder };
  return withOutput({ options, target, log }, (output) => {
    if (unread !== undefined) {
      const text = `${unread.object}: ${unread.fault}. The journal says what is undone; folders are the defaults, from ${folder}`;
      output.emit({ kind: "notice", text });
    }
    return inWorkplace(
      { settings, folder, configFile: file, target: output.observed(target), output },
      work,
    );
  });
}

/** The same with settings that are there already. */
export async function inWorkplace<Result>(
  place: Omit<Workplace, "session">,
  work: (workplace: Workplace) => Promise<Result>,
): Promise<Result> {
  return withSession(place.target, "tenantry", sessionSettings, (session) =>
    work({ ...place, session }),
  );
}

/**
 * Adds what writing needs: checks, the journal, the lease on a session of its own, and signals. The
 * first SIGINT lets the statements under way end; the second cancels them.
 */
export async function whileWriting<Result>(
  workplace: Workplace,
  command: WritingCommand,
  work: (writing: WritingWorkplace) => Promise<Result>,
): Promise<Result> {
  const { session, target, settings, output } = workplace;
  await refuseUnlessReady(command, workplace);
  await createJournal(session);
  return withSessions(async (open) => {
    const observer = observerOn(await open(target, "tenantry observer", sessionSettings));
    const keeper = await open(target, "tenantry lease", sessionSettings);
    const working = new Set([session]);
    const signals = listenToSignals(observer, working, output.emit);
    try {
      return await withLease(keeper, (lease) =>
        work({
          ...workplace,
          observer,
          openBeside: () => openBeside(open, target, working),
          lease,
          emit: output.emit,
          interrupted: signals.interrupted,
          applicationFolder: fromConfig(workplace, settings.code.folder),
        }),
      );
    } finally {
      signals.stop();
      await output.close();
    }
  });
}

/** One more session that works, and that a second SIGINT cancels. */
async function openBeside(
  open: OpenSession,
  target: Target,
  working: Set<Session>,
): Promise<Session> {
  const state = "the steps that are applied are checkpointed; nothing else was changed";
  const beside = await open(target, "tenantry", sessionSettings, state);
  working.add(beside);
  return {
    ...beside,
    async close() {
      working.delete(beside);
      await beside.close();
    },
  };
}

async function refuseUnlessReady(
  command: WritingCommand,
  { session, target, settings, folder }: Workplace,
): Promise<void> {
  const snapshot = await readSnapshot(session);
  await refuseToWrite(command, session, { target, snapshot, settings, folder, stages: [] });
}

/** A path of the configuration, from the configuration's folder. */
export function fromConfig({ folder }: Pick<Workplace, "folder">, file: string): string {
  return path.resolve(folder, file);
}

function listenToSignals(
  observer: Observer,
  working: ReadonlySet<Session>,
  emit: Listener,
): { interrupted: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      controller.abort();
      emit({ kind: "interrupted", cancels: false });
      return;
    }
    emit({ kind: "interrupted", cancels: true });
    const backends = [...working].map(({ backend }) => String(backend));
    observer
      .execute(sql`SELECT pg_cancel_backend(pid::integer) FROM unnest(${backends}::text[]) AS pid`)
      .catch((error: unknown) => {
        emit({ kind: "notice", text: `could not cancel: ${String(error)}` });
      });
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    interrupted: controller.signal,
    stop() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
