/** Today, as `2026-11-23`: acceptances in the configuration end on a day. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
