import { AppError } from "../../errors.ts";
import type { Caller } from "./caller.ts";

/**
 * Does work that may be interrupted at any moment, because it changes nothing that lasts.
 * @throws AppError INTERRUPTED in place of whatever the interrupted work throws
 */
export async function interruptible<Result>(
  caller: Pick<Caller, "listen">,
  { what, state }: { readonly what: string; readonly state: string },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { interrupted, stop } = caller.listen();
  try {
    return await work(interrupted);
  } catch (error) {
    if (!interrupted.aborted) throw error;
    throw new AppError({
      code: "INTERRUPTED",
      object: what,
      fault: "interrupted",
      state,
      next: "run the same command again",
    });
  } finally {
    stop();
  }
}
