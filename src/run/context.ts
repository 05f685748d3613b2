import type { Settings } from "../config/settings.ts";
import type { Listener } from "../events/events.ts";
import type { Lease } from "../journal/lease.ts";
import type { Session } from "../postgres/connection.ts";
import type { Observer } from "../postgres/observer.ts";
import type { LockMutex } from "./mutex.ts";
import type { Sessions } from "./sessions.ts";

/** What running and undoing steps needs: sessions, the lease, and the listener for events. */
export type RunContext = {
  readonly runId: number;
  /** Does the work. */
  readonly session: Session;
  /** Queries what the other sessions wait for. */
  readonly observer: Observer;
  /** Opens a further session like `session`, for another table; the caller closes it. */
  readonly openBeside: () => Promise<Session>;
  readonly lease: Lease;
  readonly online: Settings["online"];
  /** The folder that the names of the application's files are relative to. */
  readonly applicationFolder: string;
  readonly emit: Listener;
  /** Aborted by Ctrl-C: the running statement is cancelled, and the run can be resumed. */
  readonly interrupted: AbortSignal;
};

/** What steps need that run while others do. */
export type StepContext = RunContext & {
  /** Keeps two steps from waiting for each other's locks on the server. */
  readonly mutex: LockMutex;
  /** The sessions that lanes and backfills share. */
  readonly sessions: Sessions;
};
