import { readRolesBeside } from "../../catalog/request-roles.ts";
import { today } from "../../config/accepted.ts";
import { acceptedRoles, knownRoles, resolveRoles, roleBesideRule } from "../../config/settings.ts";
import type { PreflightCheck } from "../check.ts";

export const rolesBeside: PreflightCheck = {
  id: "roles-beside",
  title: "roles that requests can become and that the configuration does not name",
  why: "the fence and its proof are for the roles of the configuration: with SET ROLE a request has the grants of another one",
  stops: ["run"],
  async find({ queries, settings, snapshot }) {
    const { starts, trusted } = knownRoles(resolveRoles(settings, snapshot.server.usesAnon));
    const known = [...trusted, ...acceptedRoles(settings, today())];
    const beside = await readRolesBeside(queries, { starts, trusted: known }, [
      ...starts,
      ...known,
    ]);
    return beside.map(({ role, by, revoke }) => ({
      severity: "blocking",
      what: {
        object: role,
        fact: by === null ? "is used by this database" : `${by} can become it with SET ROLE`,
      },
      fix: `${revoke ?? `name ${role} in roles.anonymous of the configuration`}; or accept it in audit.accepted, with the rule ${roleBesideRule}`,
    }));
  },
};
