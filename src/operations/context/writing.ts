import { readSnapshot } from "../../catalog/snapshot.ts";
import type { WritingCommand } from "../../check/check.ts";
import { refuseToWrite } from "../../check/refuse.ts";
import { type Lease, withLease } from "../../journal/lease.ts";
import { createJournal } from "../../journal/schema.ts";
import type { Session, Target } from "../../postgres/connection.ts";
import { type Observer, observerOn } from "../../postgres/observer.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { type OpenSession, withSessions } from "../../postgres/sessions.ts";
import { sql } from "../../postgres/sql.ts";
import type { RunContext } from "../../run/context.ts";
import { watchSessions } from "./watch-sessions.ts";
import { fromConfig, type Workspace } from "./workspace.ts";

/** What an operation that writes works with. */
export type WritingWorkspace = Workspace &
  Omit<RunContext, "runId"> & {
    /** What was open around the fence before, by the rule that finds it. */
    readonly around?: Readonly<Record<string, number>>;
  };

/**
 * Adds what writing needs: checks, the journal, the lease on a separate session, and interruption.
 * Interrupted once, the statements under way end; interrupted twice, they are cancelled.
 * @throws AppError PREFLIGHT_FAILED, LEASE_HELD
 */
export async function whileWriting<Result>(
  workspace: Workspace,
  command: WritingCommand,
  work: (writing: WritingWorkspace) => Promise<Result>,
): Promise<Result> {
  const { session, target, settings, caller } = workspace;
  await refuseUnlessReady(command, workspace);
  await createJournal(session);
  return withSessions(async (open) => {
    const observing = await open(target, "tenantry observer", sessionSettings);
    const observer = observerOn(observing);
    const keeper = await open(target, "tenantry lease", sessionSettings);
    const working = new Set([session]);
    const interruption = listen(workspace, observer, working);
    const write = async (lease: Lease): Promise<Result> => {
      const stopEnding = endWhenLost(lease, working);
      const watch = watchSessions(observer, working, caller.emit);
      try {
        for (const one of [session, observing]) await lease.admit(one);
        return await work({
          ...workspace,
          observer,
          openBeside: () => openBeside(open, target, { lease, working }),
          lease,
          online: settings.online,
          emit: caller.emit,
          interrupted: interruption.interrupted,
          applicationFolder: fromConfig(workspace, settings.code.folder),
        });
      } finally {
        stopEnding();
        await watch.stop();
      }
    };
    try {
      return await withLease(keeper, write, settings.online.giveUpAfterInMilliseconds);
    } finally {
      interruption.stop();
    }
  });
}

/** Says that the operation was interrupted, and cancels what is under way the second time. */
function listen(
  { caller }: Workspace,
  observer: Observer,
  working: ReadonlySet<Session>,
): { readonly interrupted: AbortSignal; stop(): void } {
  const { interrupted, cancelled, stop } = caller.listen();
  const onInterrupted = (): void => caller.emit({ kind: "interrupted", cancels: false });
  const onCancelled = (): void => {
    caller.emit({ kind: "interrupted", cancels: true });
    const backends = [...working].map(({ backend }) => String(backend));
    observer
      .execute(sql`SELECT pg_cancel_backend(pid::integer) FROM unnest(${backends}::text[]) AS pid`)
      .catch((error: unknown) => {
        caller.emit({ kind: "notice", text: `could not cancel: ${String(error)}` });
      });
  };
  interrupted.addEventListener("abort", onInterrupted);
  cancelled.addEventListener("abort", onCancelled);
  return {
    interrupted,
    stop() {
      interrupted.removeEventListener("abort", onInterrupted);
      cancelled.removeEventListener("abort", onCancelled);
      stop();
    },
  };
}

/** How long the server may take to cancel a statement. */
const cancelWithinMilliseconds = 5_000;

/**
 * Cancels what is under way when the lease is lost: a build or a validation could last for hours, and
 * its result is not committed. Where the server does not answer, the connection is broken.
 * @returns stop
 */
function endWhenLost({ lost }: Lease, working: ReadonlySet<Session>): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onLost = (): void => {
    for (const session of working) {
      // Then the connection is broken below.
      session.cancel().catch(() => undefined);
    }
    timer = setTimeout(() => {
      for (const session of working) session.abandon();
    }, cancelWithinMilliseconds);
  };
  lost.addEventListener("abort", onLost, { once: true });
  return () => {
    lost.removeEventListener("abort", onLost);
    clearTimeout(timer);
  };
}

/** One more session that works, and that a second interruption cancels. */
async function openBeside(
  open: OpenSession,
  target: Target,
  { lease, working }: { readonly lease: Lease; readonly working: Set<Session> },
): Promise<Session> {
  const state = "the steps that are applied are checkpointed; nothing else was changed";
  const beside = await open(target, "tenantry", sessionSettings, state);
  await lease.admit(beside);
  working.add(beside);
  return {
    ...beside,
    // Another after a reconnection.
    get backend() {
      return beside.backend;
    },
    get waitingSince() {
      return beside.waitingSince;
    },
    async close() {
      working.delete(beside);
      await beside.close();
    },
  };
}

async function refuseUnlessReady(
  command: WritingCommand,
  { session, target, settings, folder }: Workspace,
): Promise<void> {
  const snapshot = await readSnapshot(session);
  await refuseToWrite(command, session, { target, snapshot, settings, folder, stages: [] });
}
