import type { Routine } from "../../catalog/routines/routine.ts";
import type { Settings } from "../../config/settings.ts";

export type Decision = Settings["functions"][number];

/** What the configuration decides about a function. @param schema the one that names may leave out */
export function decisionOn(
  decisions: readonly Decision[],
  routine: Pick<Routine, "signature" | "shown">,
  schema: string,
): Decision | undefined {
  const names = [routine.signature, routine.shown].map((name) => plain(name, schema));
  return decisions.find((decision) => names.includes(plain(decision.function, schema)));
}

/** A signature without the default schema and without spaces, which are written in more than one way. */
export function plain(signature: string, schema: string): string {
  return signature.replaceAll(/\s+/g, "").replaceAll(`${schema}.`, "");
}
