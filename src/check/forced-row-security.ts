import { type Check, quoted } from "./check.ts";

export const forcedRowSecurity: Check = {
  id: "forced-row-security",
  title: "BYPASSRLS, where forceRowSecurity binds the owner too",
  why: "the connected role would see no row of its own tables after Day 1",
  stops: ["run", "rollback"],
  find: async ({ settings, snapshot: { server } }) =>
    settings.forceRowSecurity && !server.bypassesRowSecurity
      ? [
          {
            severity: "blocking",
            what: { object: server.user, fact: "has no BYPASSRLS, and forceRowSecurity is set" },
            mend: `ALTER ROLE ${quoted(server.user)} BYPASSRLS`,
          },
        ]
      : [],
};
