import { type PreflightCheck, quoted } from "../check.ts";

export const readOnly: PreflightCheck = {
  id: "read-only",
  title: "transactions that are read-only by default",
  why: "PostgreSQL would refuse every step",
  stops: ["run", "rollback"],
  find: async ({ snapshot: { server } }) =>
    server.readOnly && !server.inRecovery
      ? [
          {
            severity: "blocking",
            what: {
              object: server.user,
              fact: "transactions are read-only by default (default_transaction_read_only)",
            },
            fix: `ALTER ROLE ${quoted(server.user)} SET default_transaction_read_only = off`,
          },
        ]
      : [],
};
