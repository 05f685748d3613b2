import type { Grant } from "../../../src/catalog/grants.ts";
import { findRelation } from "../../../src/catalog/snapshot.ts";
import { configuredName, requestRoles } from "../../../src/config/settings.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import {
  closeMaterializedView,
  type RequestGrants,
} from "../../../src/steps/privileges/revoke-from-requests.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { grantsToRequests, whyPrivilegesStay } from "./takable-grants.ts";
import { relationsUnder, viewsOverFenced } from "./views-over-fenced.ts";

/** Materialized views over tenant tables that requests may read: they hold the rows of all. */
export const materializedViews = hardening<RequestGrants>({
  setting: "materializedViews",
  are: "materialized views that hold the rows of all organizations",
  find,
  concerns: ({ relation }, context) => relationsUnder(context, relation),
  steps: (wanted) => wanted.map(closeMaterializedView),
});

function find(context: StageContext): Candidate<RequestGrants>[] {
  const { settings, snapshot } = context;
  const roles = requestRoles(settings);
  return viewsOverFenced(context).flatMap((view) => {
    const relation = findRelation(snapshot, view);
    if (view.kind !== "materialized view" || relation === undefined) return [];
    const open: Grant[] = [...relation.grants, ...relation.columnGrants];
    const [first, ...others] = grantsToRequests(open, roles);
    if (first === undefined) return [];
    const { schema, name, owner, mayAlter, access } = view;
    const label = configuredName(view, settings);
    return [
      {
        name: label,
        target: { relation: { schema, name }, label, grants: [first, ...others], roles },
        whyItStays: mayAlter
          ? whyPrivilegesStay(access, roles, owner, ["SELECT"])
          : `belongs to ${owner}`,
      },
    ];
  });
}
