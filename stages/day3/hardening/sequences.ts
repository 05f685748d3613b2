import type { Sequence } from "../../../src/catalog/sequences.ts";
import { relationKey } from "../../../src/config/relation-name.ts";
import { configuredName, requestRoles } from "../../../src/config/settings.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import {
  countOnly,
  type RequestGrants,
} from "../../../src/steps/privileges/revoke-from-requests.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { grantsToRequests, whyPrivilegesStay } from "./takable-grants.ts";
import { isFenced } from "./tenant-tables.ts";

/** The privileges for setval and last_value. nextval needs USAGE only. */
const settingAndReading = ["SELECT", "UPDATE"];

/** Sequences of tenant tables that requests may set or read. */
export const sequences = hardening<RequestGrants>({
  setting: "sequences",
  are: "sequences that requests may set or read",
  find,
  concerns: ({ relation }, { snapshot }) =>
    snapshot.sequences
      .filter((one) => relationKey(one) === relationKey(relation))
      .map(({ table }) => table),
  steps: (wanted) => wanted.map(countOnly),
});

function find(context: StageContext): Candidate<RequestGrants>[] {
  const { settings, snapshot } = context;
  const roles = requestRoles(settings);
  return snapshot.sequences
    .filter(({ table }) => isFenced(context, table))
    .flatMap((sequence) => {
      const { schema, name, owner, access } = sequence;
      const [first, ...others] = grantsToRequests(access, roles)
        .filter(({ privilege }) => settingAndReading.includes(privilege))
        .map(({ grantee, privilege, grantable }) => ({ grantee, privilege, grantable }));
      if (first === undefined) return [];
      const label = configuredName(sequence, settings);
      return [
        {
          name: label,
          target: { relation: { schema, name }, label, grants: [first, ...others], roles },
          whyItStays:
            whyPrivilegesStay(access, roles, owner, settingAndReading) ??
            whyItStays(sequence, roles),
        },
      ];
    });
}

/** nextval accepts UPDATE instead of USAGE: a role with UPDATE only could not insert any more. */
function whyItStays(
  { owner, mayAlter, access }: Sequence,
  roles: readonly string[],
): string | undefined {
  if (!mayAlter) return `belongs to ${owner}`;
  const has = (privilege: string) =>
    new Set(
      grantsToRequests(access, roles).flatMap((one) =>
        one.privilege === privilege ? [one.grantee] : [],
      ),
    );
  const counting = has("USAGE");
  const stopped = [...has("UPDATE")].find((role) => !counting.has(role) && !counting.has(null));
  return stopped === undefined
    ? undefined
    : `is used by ${stopped ?? "PUBLIC"} for nextval with UPDATE only: grant USAGE first`;
}
