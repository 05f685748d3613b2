/**
 * Asks again and again until it is stopped; while one answer is waited for, no other is asked for.
 * @returns stop, which waits for the answer under way, and throws what kept it from asking on, such as
 *   a lost connection
 */
export function askRepeatedly(
  everyMilliseconds: number,
  ask: () => Promise<void>,
): { stop(): Promise<void> } {
  let asking: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const timer = setInterval(() => {
    asking ??= ask()
      .catch((error: unknown) => {
        failure = { error };
        clearInterval(timer);
      })
      .finally(() => {
        asking = undefined;
      });
  }, everyMilliseconds);
  return {
    async stop() {
      clearInterval(timer);
      await asking;
      if (failure !== undefined) throw failure.error;
    },
  };
}
