import path from "node:path";
import { readSnapshot, type Snapshot } from "../../catalog/snapshot.ts";
import { relationKey } from "../../config/relation-name.ts";
import type { Settings } from "../../config/settings.ts";
import type { Session, Target } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSession } from "../../postgres/sessions.ts";
import type { Caller } from "./caller.ts";

/** What an operation works with: the configuration, the database, and who asked for it. */
export type Workspace = {
  readonly settings: Settings;
  readonly configFile: string;
  /** The folder of the configuration; relative paths in it start here. */
  readonly folder: string;
  readonly target: Target;
  readonly session: Session;
  readonly caller: Caller;
  /** For a copy: what its plan takes from the database that it is a copy of. */
  readonly planAs?: PlanAs;
};

/** What of a database decides over its plan, and differs on a copy. */
export type PlanAs = {
  /** Sizes of its tables, by relation: a small table is taken in one transaction. */
  readonly tableBytes: ReadonlyMap<string, number>;
  readonly triggersMayBeSilenced: boolean;
};

/** Opens one session to the database, and closes it when the work is done, whatever comes of it. */
export async function withWorkspace<Result>(
  place: Omit<Workspace, "session">,
  work: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  return withSession(place.target, "tenantry", sessionSettings, (session) =>
    work({ ...place, session }),
  );
}

/** The snapshot to plan from. */
export async function readSnapshotToPlan({
  session,
  planAs,
}: Pick<Workspace, "session" | "planAs">): Promise<Snapshot> {
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

/** A path of the configuration, from the configuration's folder. */
export function fromConfig({ folder }: Pick<Workspace, "folder">, file: string): string {
  return path.resolve(folder, file);
}
