import type { Some } from "../src/postgres/sql.ts";
import type { Persona } from "../src/steps/model/stage.ts";

/** The plan's two test organizations with a member each, for Day 1 and Day 2. */
export const testClients: Some<Persona> = [
  {
    name: "member of Test Client A",
    memberships: [{ organization: "test-client-a", role: "member" }],
  },
  {
    name: "member of Test Client B",
    memberships: [{ organization: "test-client-b", role: "member" }],
  },
];
