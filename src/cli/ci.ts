/** Whether this runs in a CI's job: nearly all of them set CI, most to `true`, some to their name. */
export function runsInCi(environment: NodeJS.ProcessEnv = process.env): boolean {
  const ci = environment["CI"]?.trim().toLowerCase() ?? "";
  return !["", "0", "false", "no", "off"].includes(ci);
}
