import type { Listener } from "../events/events.ts";

export type OutputMode = "live" | "lines" | "json";

/**
 * A way to show events. `settle` returns when what was sent has been drawn and the terminal is free
 * for a question or a result; `close` ends what is still being drawn.
 */
export type Reporter = {
  readonly listener: Listener;
  settle(): Promise<void>;
  close(): Promise<void>;
};
