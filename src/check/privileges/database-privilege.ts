import { type PreflightCheck, quoted } from "../check.ts";

export const databasePrivilege: PreflightCheck = {
  id: "database-privilege",
  title: "CREATE on the database",
  why: "the journal and the helper functions need a schema each",
  stops: ["run", "rollback"],
  find: async ({ snapshot: { server } }) =>
    server.mayCreateSchema
      ? []
      : [
          {
            severity: "blocking",
            what: {
              object: server.user,
              fact: `is not allowed to create schemas in ${server.database}`,
            },
            fix: `GRANT CREATE ON DATABASE ${quoted(server.database)} TO ${quoted(server.user)}`,
          },
        ],
};
