import type { Settings } from "../config/settings.ts";
import type { Listener } from "../events/events.ts";
import type { Lease } from "../journal/lease.ts";
import type { Session } from "../postgres/connection.ts";
import type { Observer } from "../postgres/observer.ts";
import type { LockMutex } from "./mutex.ts";
import type { Sessions } from "./sessions.ts";

/** What running and undoing steps needs: sessions, the lease, and who listens. */
export type RunContext = {
  readonly runId: number;
  /** Does the work. */
  readonly session: Session;
  /** Looks at what the others wait for. */
  readonly observer: Observer;
  /** Opens a session like the one that works, for a table beside another; whoever asks closes it. */
  readonly openBeside: () => Promise<Session>;
  readonly lease: Lease;
  readonly online: Settings["online"];
  /** Where the names of the application's files start. */
  readonly applicationFolder: string;
  readonly emit: Listener;
  /** Aborted when a person interrupts: what is under way ends, then the run stops resumable. */
  readonly interrupted: AbortSignal;
};

/** What steps need that run while others do. */
export type StepContext = RunContext & {
  /** Keeps two steps from waiting for each other's locks on the server. */
  readonly mutex: LockMutex;
  /** The sessions that lanes and backfills share. */
  readonly sessions: Sessions;
};
