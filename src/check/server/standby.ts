import type { PreflightCheck } from "../check.ts";

export const standby: PreflightCheck = {
  id: "standby",
  title: "a standby, which is read-only",
  why: "a standby replays its primary and accepts no writes",
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
