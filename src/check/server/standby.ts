import type { Check } from "../check.ts";

export const standby: Check = {
  id: "standby",
  title: "a standby, on which nothing can be written",
  why: "a standby replays its primary and takes no writes",
  stops: ["run", "rollback"],
  find: async ({ snapshot: { server } }) =>
    server.inRecovery
      ? [
          {
            severity: "blocking",
            what: { object: server.database, fact: "the server is a standby" },
            fix: "connect to the primary",
          },
        ]
      : [],
};
