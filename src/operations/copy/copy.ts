import path from "node:path";
import { backUp } from "../../backup/backup.ts";
import { dumpSchema } from "../../backup/dump/schema-dump.ts";
import { type Identity, identityIn, makeKey } from "../../backup/folder/encryption.ts";
import { withBackup } from "../../backup/folder/open.ts";
import { makeWatchedFolder } from "../../backup/folder/watched-folder.ts";
import {
  type Restorable,
  type RestoreRequest,
  restoreBackup,
} from "../../backup/restore/restore.ts";
import { verifyBelongs } from "../../backup/same-database.ts";
import { readSnapshot, type Snapshot } from "../../catalog/snapshot.ts";
import { relationKey } from "../../config/relation-name.ts";
import type { Target } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSessions } from "../../postgres/sessions.ts";
import { sql } from "../../postgres/sql.ts";
import { copySample } from "../../rehearsal/sample.ts";
import { readServerSettings } from "../../rehearsal/server-settings.ts";
import { type Workspace, withWorkspace } from "../context/workspace.ts";
import { dumpOptions } from "../stage/back-up-stage.ts";
import { withScratch } from "./scratch.ts";

/** What a copy is made of, and where. */
export type CopyRequest = {
  readonly workspace: Workspace;
  readonly what: "rehearsal" | "clone";
  readonly signal: AbortSignal;
  /** A backup of this database, instead of one that is made for it. */
  readonly backup?: string | undefined;
  /** A file with age's identity, for a backup that is encrypted. */
  readonly identity?: string | undefined;
  /** The share of large tables' rows, in per cent, instead of a whole backup. */
  readonly sample?: number | undefined;
  /** A server to restore into, instead of one that is started here. */
  readonly scratch?: string | undefined;
};

/** A copy of the database on a scratch server. */
export type Copy = {
  readonly workspace: Workspace;
  /** What it is a copy of, in words. */
  readonly copy: string;
  /** Its server, in words. */
  readonly origin: string;
};

/**
 * Restores a backup of the database, or its schema and a sample, elsewhere, and works on that. What
 * was made for it is removed at the end, whatever comes of the work.
 */
export async function withCopy<Result>(
  request: CopyRequest,
  work: (copy: Copy) => Promise<Result>,
): Promise<Result> {
  const snapshot = await readSnapshot(request.workspace.session);
  const folder = await makeWatchedFolder();
  try {
    const { recipients } = request.workspace.settings.backups;
    const key = recipients.length === 0 ? undefined : await makeKey();
    const place = { ...request, snapshot, folder: folder.path, key };
    return await withCopySource(place, (source) => onCopy(place, source, work));
  } finally {
    await folder.remove();
  }
}

type Place = CopyRequest & {
  readonly snapshot: Snapshot;
  /** A temporary one. */
  readonly folder: string;
  /** Where backups are encrypted, those that are made for the copy are, too: for this process alone. */
  readonly key: Key | undefined;
};

type Key = { readonly identity: Identity; readonly recipient: string };

function recipientsOf({ key }: Place): string[] {
  return key === undefined ? [] : [key.recipient];
}

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
  const { workspace, folder, signal, sample, identity } = place;
  const { target, settings } = workspace;
  if (sample !== undefined) {
    say(place, "dumping the schema");
    const backup = await dumpSchema(target, path.join(folder, "schema"), signal);
    const fill = (copy: Target) => fillWithSample(target, copy, sample);
    return work({ backup, fill, copy: `the schema and ${sample} % of large tables' rows` });
  }
  const given = place.backup === undefined ? undefined : path.resolve(place.backup);
  if (given !== undefined) {
    return withBackup(given, identityIn(identity), async (backup) => {
      // What another database takes predicts nothing for this one.
      await verifyBelongs(backup, workspace.session);
      return work({ backup, copy: given });
    });
  }
  say(place, "backing up the database");
  const made = await backUp({
    target,
    stage: null,
    folder: path.join(folder, "backup"),
    ...dumpOptions(settings),
    recipients: recipientsOf(place),
    tag: async () => null,
    files: {},
    notify: (text) => say(place, text),
    signal,
  });
  return withBackup(made.folder, place.key?.identity, (backup) =>
    work({ backup, copy: `a backup of ${made.manifest.madeAt}` }),
  );
}

/** The sample and the copy have separate sessions: a copy that fails ends them. */
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
  const { workspace, snapshot, folder, signal, scratch: given } = place;
  const { observe } = workspace.target;
  const settings = await readServerSettings(workspace.session);
  return withScratch({ given, major: backup.serverMajor, settings }, async (scratch) => {
    const { server, database, origin } = scratch;
    say(place, `restoring into ${origin}`);
    const request = { backup, server, database, jobs: 2, anyLocale: true, signal };
    await restoreBackup(fill === undefined ? request : { ...request, fill });
    return withWorkspace(
      {
        ...workspace,
        settings: {
          ...workspace.settings,
          // The application's repository and its backups are not for a copy to touch.
          git: { ...workspace.settings.git, repository: folder, required: false },
          backups: {
            ...dumpOptions(workspace.settings),
            folder: path.join(folder, "backups"),
            recipients: recipientsOf(place),
          },
        },
        folder,
        target: { ...server, database, ...(observe === undefined ? {} : { observe }) },
        planAs: {
          tableBytes: sizesOf(snapshot),
          triggersMayBeSilenced: snapshot.triggersMayBeSilenced,
        },
      },
      async (copied) => {
        // The planner of the database itself has its statistics.
        await copied.session.execute(sql`ANALYZE`);
        return work({ workspace: copied, copy, origin });
      },
    );
  });
}

function sizesOf({ relations }: Snapshot): ReadonlyMap<string, number> {
  return new Map(relations.map((relation) => [relationKey(relation), relation.bytes]));
}

function say({ workspace, what }: Place, text: string): void {
  workspace.caller.emit({ kind: "notice", text: `${what}: ${text}` });
}
