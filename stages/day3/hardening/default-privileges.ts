import type { DefaultPrivileges } from "../../../src/catalog/default-privileges.ts";
import type { Grant } from "../../../src/catalog/grants.ts";
import { requestRoles } from "../../../src/config/settings.ts";
import type { Some } from "../../../src/postgres/sql.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import { closeNewTables } from "../../../src/steps/privileges/default-privileges.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { grantsToRequests } from "./takable-grants.ts";

type OpenDefault = {
  readonly found: DefaultPrivileges;
  readonly label: string;
  readonly grants: Some<Grant>;
};

/** Default privileges that open new tables to requests, by `role` or `role in schema`. */
export const defaultPrivileges = hardening<OpenDefault>({
  setting: "defaultPrivileges",
  are: "default privileges that open new tables to requests",
  find,
  concerns: () => [],
  steps: (wanted) => wanted.map(({ found, label, grants }) => closeNewTables(found, label, grants)),
});

function find({ settings, snapshot }: StageContext): Candidate<OpenDefault>[] {
  const roles = requestRoles(settings);
  return snapshot.defaultPrivileges.flatMap((found) => {
    const [first, ...others] = grantsToRequests(found.grants, roles);
    if (first === undefined) return [];
    const { role, schema, mayAlter } = found;
    const label = schema === null ? role : `${role} in ${schema}`;
    return [
      {
        name: label,
        target: { found, label, grants: [first, ...others] },
        whyItStays: mayAlter
          ? undefined
          : `belongs to ${role}, and ${snapshot.server.user} is no member of it`,
      },
    ];
  });
}
