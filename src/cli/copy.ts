import path from "node:path";
import { backUp } from "../backup/backup.ts";
import { verifyBelongs } from "../backup/belongs.ts";
import { withBackup } from "../backup/open.ts";
import { type Restorable, type RestoreRequest, restoreBackup } from "../backup/restore.ts";
import { dumpSchema } from "../backup/schema-dump.ts";
import { makeWatchedFolder } from "../backup/watched-folder.ts";
import { readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Target } from "../postgres/connection.ts";
import { sessionSettings } from "../postgres/session-settings.ts";
import { withSessions } from "../postgres/sessions.ts";
import { sql } from "../postgres/sql.ts";
import { copySample } from "../rehearsal/sample.ts";
import { readServerSettings } from "../rehearsal/server-settings.ts";
import { dumpOptions } from "./backup.ts";
import { withScratch } from "./scratch.ts";
import { inWorkplace, type Workplace } from "./workplace.ts";

/** What a copy is made of, and where. */
export type CopyOptions = {
  /** A backup of this database, instead of one that is made for it. */
  readonly backup?: string | undefined;
  readonly identity?: string | undefined;
  /** The share of large tables' rows, in per cent, instead of a whole backup. */
  readonly sample?: number | undefined;
  readonly scratch?: string | undefined;
};

/** A copy of the database on a server where nothing is at stake. */
export type Copy = {
  readonly workplace: Workplace;
  /** What it is a copy of, in words. */
  readonly copy: string;
  /** Its server, in words. */
  readonly origin: string;
};

/**
 * Restores a backup of the database, or its schema and a sample, elsewhere, and works on that. What
 * was made for it is gone at the end, whatever comes of the work.
 */
export async function withCopy<Result>(
  workplace: Workplace,
  what: "rehearsal" | "clone",
  options: CopyOptions,
  signal: AbortSignal,
  work: (copy: Copy) => Promise<Result>,
): Promise<Result> {
  const snapshot = await readSnapshot(workplace.session);
  const folder = await makeWatchedFolder();
  try {
    const place = { workplace, what, snapshot, folder: folder.path, signal, options };
    return await withCopySource(place, (source) => onCopy(place, source, work));
  } finally {
    await folder.remove();
  }
}

type Place = {
  readonly workplace: Workplace;
  readonly what: "rehearsal" | "clone";
  readonly snapshot: Snapshot;
  /** A temporary one. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly options: CopyOptions;
};

/** What a copy is made of. */
type CopySource = {
  readonly backup: Restorable;
  readonly fill?: NonNullable<RestoreRequest["fill"]>;
  /** In words. */
  readonly copy: string;
};

async function withCopySource<Result>(
  place: Place,
  work: (source: CopySource) => Promise<Result>,
): Promise<Result> {
  const { workplace, folder, signal, options } = place;
  const { target, settings } = workplace;
  const { sample, identity } = options;
  if (sample !== undefined) {
    say(place, "dumping the schema");
    const backup = await dumpSchema(target, path.join(folder, "schema"), signal);
    const fill = (copy: Target) => fillWithSample(target, copy, sample);
    return work({ backup, fill, copy: `the schema and ${sample} % of large tables' rows` });
  }
  const given = options.backup === undefined ? undefined : path.resolve(options.backup);
  if (given !== undefined) {
    return withBackup(given, identity, async (backup) => {
      // What another database takes predicts nothing for this one.
      await verifyBelongs(backup, workplace.session);
      return work({ backup, copy: given });
    });
  }
  say(place, "backing the database up");
  const made = await backUp({
    target,
    stage: null,
    folder: path.join(folder, "backup"),
    ...dumpOptions(settings),
    recipients: [],
    tag: async () => null,
    files: {},
    notify: (text) => say(place, text),
    signal,
  });
  return withBackup(made.folder, undefined, (backup) =>
    work({ backup, copy: `a backup of ${made.manifest.madeAt}` }),
  );
}

/** The sample and the copy have sessions of their own: a copy that fails ends them. */
function fillWithSample(from: Target, to: Target, percentage: number): Promise<void> {
  return withSessions(async (open) => {
    const source = await open(from, "tenantry rehearsal", sessionSettings);
    const copy = await open(to, "tenantry rehearsal", sessionSettings);
    await copySample(source, copy, { percentage });
  });
}

async function onCopy<Result>(
  place: Place,
  { backup, fill, copy }: CopySource,
  work: (copy: Copy) => Promise<Result>,
): Promise<Result> {
  const { workplace, snapshot, folder, signal, options } = place;
  const settings = await readServerSettings(workplace.session);
  const given = options.scratch;
  return withScratch({ given, major: backup.serverMajor, settings }, async (scratch) => {
    const { server, database, origin } = scratch;
    say(place, `restoring into ${origin}`);
    const request = { backup, server, database, jobs: 2, anyLocale: true, signal };
    await restoreBackup(fill === undefined ? request : { ...request, fill });
    return inWorkplace(
      {
        ...workplace,
        settings: {
          ...workplace.settings,
          // The application's repository and its backups are not for a copy to touch.
          git: { ...workplace.settings.git, repository: folder, required: false },
          backups: {
            ...dumpOptions(workplace.settings),
            folder: path.join(folder, "backups"),
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
      async (copied) => {
        // The planner of the database itself has its statistics.
        await copied.session.execute(sql`ANALYZE`);
        return work({ workplace: copied, copy, origin });
      },
    );
  });
}

function sizesOf({ relations }: Snapshot): ReadonlyMap<string, number> {
  return new Map(relations.map((relation) => [relationKey(relation), relation.bytes]));
}

function say({ workplace, what }: Place, text: string): void {
  workplace.output.emit({ kind: "notice", text: `${what}: ${text}` });
}
