import { describeUnknownOptions } from "../../catalog/fingerprint/unknown-options.ts";
import type { Listener } from "../../events/events.ts";
import type { Queries } from "../../postgres/connection.ts";

/** Emits once what a comparison of the schema leaves out, where it leaves anything out. */
export async function emitNotCompared(queries: Queries, emit: Listener): Promise<void> {
  const text = await describeUnknownOptions(queries);
  if (text !== undefined) emit({ kind: "notice", text });
}
