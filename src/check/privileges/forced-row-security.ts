import type { Check } from "../check.ts";
import { neverForRequests, seeingAllRows } from "./seeing-all-rows.ts";

export const forcedRowSecurity: Check = {
  id: "forced-row-security",
  title: "BYPASSRLS, where forceRowSecurity binds the owner too",
  why: `the connected role would see no row of its own tables after Day 1; ${neverForRequests}`,
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
