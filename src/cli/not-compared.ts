import { describeUnknownOptions } from "../catalog/unknown-options.ts";
import type { Queries } from "../postgres/connection.ts";
import type { Listener } from "../report/events.ts";

/** Says once what a comparison of the schema leaves out, where it leaves anything out. */
export async function sayNotCompared(queries: Queries, emit: Listener): Promise<void> {
  const text = await describeUnknownOptions(queries);
  if (text !== undefined) emit({ kind: "notice", text });
}
