import type { Some } from "../src/postgres/sql.ts";
import type { Guard, StageContext } from "../src/steps/model/stage.ts";
import { noNewOrganization } from "./new-organizations.ts";

/** What must hold before Day 3 is undone. Its steps are undone in reverse, from the journal. */
export function guards(context: StageContext): Some<Guard> {
  return [
    noNewOrganization(
      context,
      "while day3 is undone, rows that they insert without an organization go to the default organization",
    ),
  ];
}
