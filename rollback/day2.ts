import type { Some } from "../src/postgres/sql.ts";
import type { Guard, StageContext } from "../src/steps/model/stage.ts";
import { noNewOrganization } from "./new-organizations.ts";

/** What must hold before Day 2 is undone. Its steps are undone in reverse, from the journal. */
export function guards(context: StageContext): Some<Guard> {
  return [
    noNewOrganization(
      context,
      "without the fence of Day 2's tables, users of one organization see the rows of others",
    ),
  ];
}
