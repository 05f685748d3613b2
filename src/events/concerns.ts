import type { Finding } from "./finding.ts";

/**
 * Whether a finding is of a relation or of something on it: a column, a policy, a trigger, an index.
 * @param relation with its schema, each quoted where SQL requires it
 */
export function concerns({ object }: Pick<Finding, "object">, relation: string): boolean {
  const [found, wanted] = [bare(object).replace(kindOfObject, ""), bare(relation)];
  return (
    found === wanted ||
    found.startsWith(`${wanted}.`) ||
    found.startsWith(`${wanted}(`) ||
    found.endsWith(` on ${wanted}`)
  );
}

/** As a difference from the journal names what changed: `policy public.leads.everybody`. */
const kindOfObject =
  /^(table|partition|column|constraint|policy|trigger|rule|view|materialized view) /;

/** A name without quotes. */
export function bare(name: string): string {
  return name.replaceAll('"', "");
}
