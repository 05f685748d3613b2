import type { Interruption } from "../operations/context/caller.ts";

/** Listens for SIGINT and SIGTERM: the first one interrupts, the next one cancels. */
export function listenToSignals(): Interruption {
  const interrupted = new AbortController();
  const cancelled = new AbortController();
  const onSignal = (): void => {
    if (interrupted.signal.aborted) cancelled.abort();
    else interrupted.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    interrupted: interrupted.signal,
    cancelled: cancelled.signal,
    stop() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
