import type { PreflightCheck } from "../check.ts";
import { neverForRequests, seeingAllRows } from "./seeing-all-rows.ts";

export const forcedRowSecurity: PreflightCheck = {
  id: "forced-row-security",
  title: "BYPASSRLS for the connected role, if forceRowSecurity is set",
  why: `after Day 1 the connected role would see no row of its own tables. ${neverForRequests}`,
  stops: ["run", "rollback"],
  find: async ({ settings, snapshot: { server } }) =>
    settings.forceRowSecurity && !server.bypassesRowSecurity
      ? [
          {
            severity: "blocking",
            what: { object: server.user, fact: "has no BYPASSRLS, and forceRowSecurity is set" },
            fix: seeingAllRows(settings, server),
          },
        ]
      : [],
};
