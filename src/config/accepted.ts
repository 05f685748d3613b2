import type { Settings } from "./settings.ts";

/** Why something is accepted, and the last day of it. */
export type Acceptance = { readonly reason: string; readonly until: string };

/** Today, as `2026-11-23`: acceptances in the configuration end on a day. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** What the configuration says of a rule's finding about an object, while it is valid. */
export function acceptanceOf(
  accepted: Settings["audit"]["accepted"],
  wanted: { readonly rule: string; readonly object: string },
  day: string = today(),
): Acceptance | undefined {
  const found = accepted.find(
    ({ rule, object, until }) => rule === wanted.rule && object === wanted.object && until >= day,
  );
  return found === undefined ? undefined : { reason: found.reason, until: found.until };
}
