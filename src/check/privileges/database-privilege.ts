import { type Check, quoted } from "../check.ts";

export const databasePrivilege: Check = {
  id: "database-privilege",
  title: "CREATE on the database",
  why: "the journal and the helper functions have schemas of their own",
  stops: ["run", "rollback"],
  find: async ({ snapshot: { server } }) =>
    server.mayCreateSchema
      ? []
      : [
          {
            severity: "blocking",
            what: { object: server.user, fact: `may not create schemas in ${server.database}` },
            fix: `GRANT CREATE ON DATABASE ${quoted(server.database)} TO ${quoted(server.user)}`,
          },
        ],
};
