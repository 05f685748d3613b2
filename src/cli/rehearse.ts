import path from "node:path";
import { stages as definitions } from "../../stages/index.ts";
import { backUp } from "../backup/backup.ts";
import { readSystem, verifyBelongs } from "../backup/belongs.ts";
import { withBackup } from "../backup/open.ts";
import { type Restorable, type RestoreRequest, restoreBackup } from "../backup/restore.ts";
import { dumpSchema } from "../backup/schema-dump.ts";
import { makeWatchedFolder } from "../backup/watched-folder.ts";
import { readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { whyNotWritten } from "../check/backup-folder.ts";
import { relationKey } from "../config/relation-name.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import { planStages } from "../plan/plan.ts";
import { refuseOtherTenancy } from "../plan/same-tenancy.ts";
import { openSession, type Target } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { keepRehearsal, type Rehearsal } from "../rehearsal/rehearsal.ts";
import { copySample } from "../rehearsal/sample.ts";
import { readServerSettings } from "../rehearsal/server-settings.ts";
import type { StageName } from "../steps/stage.ts";
import { dumpOptions } from "./backup.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { playStages } from "./play-stages.ts";
import { stagesToRun } from "./run.ts";
import { withScratch } from "./scratch.ts";
import { showRehearsal } from "./show-rehearsal.ts";
import { fromConfig, inWorkplace, type Workplace, withWorkplace } from "./workplace.ts";

export type RehearseOptions = GlobalOptions & {
  readonly stage?: StageName | undefined;
  /** A backup to rehearse on, instead of one that is made for it. */
  readonly backup?: string | undefined;
  readonly identity?: string | undefined;
  /** The share of large tables' rows to rehearse on, in per cent, instead of a whole backup. */
  readonly sample?: number | undefined;
  readonly scratch?: string | undefined;
  /** Writes a second of the application that does not know of organizations. */
  readonly writesPerSecond: number;
};

/** Of the application that writes during a rehearsal. */
export const defaultWritesPerSecond = 50;

/**
 * `tenantry rehearse`: the stages that are left, their verification and their rollback on a copy of
 * the database, with an old application writing; and what that says of the database itself.
 */
export function rehearse(options: RehearseOptions): Promise<void> {
  return withWorkplace(options, (workplace) => rehearseAndShow(workplace, options), "rehearse");
}

/** The same in a workplace that is open already. */
export async function rehearseAndShow(
  workplace: Workplace,
  options: RehearseOptions,
): Promise<void> {
  const folder = fromConfig(workplace, workplace.settings.backups.folder);
  await refuseUnlessKept(folder);
  const rehearsal = await rehearseIn(workplace, options);
  const file = await keepRehearsal(folder, rehearsal);
  await workplace.output.show({ kind: "rehearsal", file, ...rehearsal }, () =>
    showRehearsal(rehearsal, file),
  );
  const failed = rehearsal.stages.find(({ failure }) => failure !== null);
  const failure = failed?.failure ?? rehearsal.rollback.failure;
  if (failure === null) return;
  throw new AppError({
    code: "REHEARSAL_FAILED",
    object: failed?.stage ?? "rollback",
    fault: `failed at ${failure.object}: ${failure.fault}`,
    state: "nothing was changed: it was a copy, which is gone",
    next: "mend the cause and rehearse again; the stage is not started on the database meanwhile",
    details: failure.details,
  });
}

/** What a rehearsal took hours to find out is kept beside the backups. */
async function refuseUnlessKept(folder: string): Promise<void> {
  const refused = await whyNotWritten(folder);
  if (refused === undefined) return;
  throw new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `the rehearsal could not be kept here: ${refused}`,
    state: "nothing was changed, and nothing rehearsed",
    next: "name a folder that can be written in the configuration's backups.folder",
  });
}

function rehearseIn(workplace: Workplace, options: RehearseOptions): Promise<Rehearsal> {
  const state = "nothing was changed: it was a copy, which is gone";
  return interruptible("the rehearsal", state, async (signal) => {
    const stages = await stagesToRun(workplace, options.stage);
    const snapshot = await readSnapshot(workplace.session);
    if (options.backup === undefined) await refuseUnplannable(workplace, snapshot, stages);
    const folder = await makeWatchedFolder();
    try {
      const place = { workplace, snapshot, folder: folder.path, signal, options };
      return await withCopySource(place, (source) => onCopy(place, source, stages));
    } finally {
      await folder.remove();
    }
  });
}

/** A configuration that does not fit the database is refused before hours of copying it. */
async function refuseUnplannable(
  { session, settings, configFile }: Workplace,
  snapshot: Snapshot,
  wanted: readonly StageName[],
): Promise<void> {
  const begun = (await readRuns(session)).filter(({ state }) => state !== "rolled back");
  const ahead = wanted.filter((name) => !begun.some(({ stage }) => stage === name));
  const planned = definitions.filter(({ name }) => ahead.includes(name));
  const { tenancy } = planStages(settings, snapshot, planned, configFile);
  const applied = begun.filter(({ state }) => state === "applied");
  if (planned.length > 0) refuseOtherTenancy(applied, tenancy, configFile);
}

type Place = {
  readonly workplace: Workplace;
  readonly snapshot: Snapshot;
  /** A temporary one. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly options: RehearseOptions;
};

/** What a copy is made of. */
type CopySource = {
  readonly backup: Restorable;
  readonly fill?: NonNullable<RestoreRequest["fill"]>;
  /** In words. */
  readonly copy: string;
};

async function withCopySource<Result>(
  { workplace, folder, signal, options }: Place,
  work: (source: CopySource) => Promise<Result>,
): Promise<Result> {
  const { target, settings } = workplace;
  const { sample, identity } = options;
  if (sample !== undefined) {
    say(workplace, "dumping the schema");
    const backup = await dumpSchema(target, path.join(folder, "schema"), signal);
    const fill = (copy: Target) => fillWithSample(target, copy, sample);
    return work({ backup, fill, copy: `the schema and ${sample} % of large tables' rows` });
  }
  const given = options.backup === undefined ? undefined : path.resolve(options.backup);
  if (given !== undefined) {
    return withBackup(given, identity, async (backup) => {
      // What is kept of the rehearsal would be held against a run on another database.
      await verifyBelongs(backup, workplace.session);
      return work({ backup, copy: given });
    });
  }
  say(workplace, "backing the database up");
  const made = await backUp({
    target,
    stage: null,
    folder: path.join(folder, "backup"),
    ...dumpOptions(settings),
    recipients: [],
    tag: async () => null,
    files: {},
    signal,
  });
  return withBackup(made.folder, undefined, (backup) =>
    work({ backup, copy: `a backup of ${made.manifest.madeAt}` }),
  );
}

/** The sample and the copy have sessions of their own: a copy that fails ends them. */
async function fillWithSample(from: Target, to: Target, percentage: number): Promise<void> {
  const source = await openSession(from, "tenantry rehearsal", { statement_timeout: "0" });
  const copy = await openSession(to, "tenantry rehearsal", { statement_timeout: "0" });
  try {
    await copySample(source, copy, { percentage });
  } finally {
    await Promise.all([source.close(), copy.close()]);
  }
}

async function onCopy(
  place: Place,
  { backup, fill, copy }: CopySource,
  stages: readonly StageName[],
): Promise<Rehearsal> {
  const { workplace, snapshot, folder, signal, options } = place;
  const settings = await readServerSettings(workplace.session);
  const given = options.scratch;
  return withScratch({ given, major: backup.serverMajor, settings }, async (scratch) => {
    const { server, database, origin } = scratch;
    say(workplace, `restoring into ${origin}`);
    const request = { backup, server, database, jobs: 2, anyLocale: true, signal };
    await restoreBackup(fill === undefined ? request : { ...request, fill });
    const played = await inWorkplace(
      {
        ...workplace,
        settings: {
          ...workplace.settings,
          // The application's repository and its backups are not for a rehearsal to touch.
          git: { ...workplace.settings.git, repository: folder, required: false },
          backups: {
            folder: path.join(folder, "backups"),
            jobs: dumpOptions(workplace.settings).jobs,
            recipients: [],
          },
        },
        folder,
        target: workplace.output.observed({ ...server, database }),
        planAs: {
          tableBytes: sizesOf(snapshot),
          triggersMayBeSilenced: snapshot.triggersMayBeSilenced,
        },
      },
      async (rehearsed) => {
        // The planner of the database itself has its statistics.
        await rehearsed.session.execute(sql`ANALYZE`);
        return playStages(rehearsed, stages, { ...options, signal });
      },
    );
    return {
      format: 1,
      madeAt: new Date().toISOString(),
      database: await readSystem(workplace.session),
      copy,
      server: origin,
      ...played,
    };
  });
}

function sizesOf({ relations }: Snapshot): ReadonlyMap<string, number> {
  return new Map(relations.map((relation) => [relationKey(relation), relation.bytes]));
}

function say({ output }: Workplace, text: string): void {
  output.emit({ kind: "notice", text: `rehearsal: ${text}` });
}
