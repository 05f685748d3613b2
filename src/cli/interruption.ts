import { AppError } from "../errors.ts";

/**
 * Does work that a person may interrupt at any moment, since it changes nothing that lasts.
 * @throws AppError INTERRUPTED in place of whatever the interrupted work throws
 */
export async function interruptible<Result>(
  what: string,
  state: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new AppError({
      code: "INTERRUPTED",
      object: what,
      fault: "interrupted",
      state,
      next: "run the same command again",
    });
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
