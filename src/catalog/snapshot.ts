import { z } from "zod";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { usualAnonymousIsUsed } from "./anonymous-role.ts";
import { type DefaultPrivileges, readDefaultPrivileges } from "./default-privileges.ts";
import { type Fingerprint, readFingerprint } from "./fingerprint/fingerprint.ts";
import { type DatabaseFunction, readFunctions } from "./functions.ts";
import { type Relation, readRelations } from "./relations.ts";
import { readSearchPaths, type SearchPath } from "./search-paths.ts";
import { readSequences, type Sequence } from "./sequences.ts";
import { readViews, type View } from "./views.ts";

const serverSchema = z.object({
  version: z.coerce.number(),
  versionText: z.string(),
  database: z.string(),
  databaseBytes: z.coerce.number(),
  user: z.string(),
  superuser: z.boolean(),
  bypassesRowSecurity: z.boolean(),
  inRecovery: z.boolean(),
  readOnly: z.boolean(),
  mayCreateSchema: z.boolean(),
  roles: z.array(z.string()),
  /** The roles that bypass row-level security. */
  bypassingRoles: z.array(z.string()),
  /** Whether this database uses the role `anon` for requests without a user. */
  usesAnon: z.boolean(),
  /** Direct memberships in roles. */
  memberships: z.array(z.object({ member: z.string(), of: z.string() })),
  schemas: z.array(z.string()),
  /** The schemas of this session's search_path that exist, in their order. */
  searchPath: z.array(z.string()),
});

export type Server = z.output<typeof serverSchema>;

/** What the plan, the checks and the fingerprint use of the catalog, all from the same moment. */
export type Snapshot = {
  readonly server: Server;
  /** Whether this role is allowed to set session_replication_role, so that triggers do not fire. */
  readonly triggersMayBeSilenced: boolean;
  readonly relations: readonly Relation[];
  readonly views: readonly View[];
  readonly functions: readonly DatabaseFunction[];
  readonly sequences: readonly Sequence[];
  readonly defaultPrivileges: readonly DefaultPrivileges[];
  readonly searchPaths: readonly SearchPath[];
  readonly fingerprint: Fingerprint;
};

/** Reads the catalog in one read-only transaction, so that all of it is from the same moment. */
export async function readSnapshot(session: Session): Promise<Snapshot> {
  return readCatalog(session, async (queries) => {
    const [path] = await queries.rows(
      sql`SELECT current_schemas(FALSE)::text[] AS "searchPath"`,
      z.object({ searchPath: z.array(z.string()) }),
    );
    // With an empty path, definitions are printed with the schema of every name.
    await queries.execute(sql`SET LOCAL search_path = pg_catalog`);
    // Catalogs are small, and estimates of such queries are not: compiling them would take seconds.
    await queries.execute(sql`SET LOCAL jit = off`);
    const [server] = await queries.rows(serverFacts, serverSchema.omit({ searchPath: true }));
    if (server === undefined || path === undefined) {
      throw new Error("pg_roles has no row for the current user");
    }
    return {
      server: { ...server, ...path },
      triggersMayBeSilenced: await mayBeSilenced(queries),
      relations: await readRelations(queries),
      views: await readViews(queries),
      functions: await readFunctions(queries),
      sequences: await readSequences(queries),
      defaultPrivileges: await readDefaultPrivileges(queries),
      fingerprint: await readFingerprint(queries),
      searchPaths: await readSearchPaths(queries),
    };
  });
}

/** Tried, because managed services allow it in ways that the catalog does not show. */
async function mayBeSilenced(queries: Queries): Promise<boolean> {
  await queries.execute(sql`SAVEPOINT silence`);
  try {
    await queries.execute(sql`SET LOCAL session_replication_role = replica`);
    return true;
  } catch (error) {
    if (sqlState(error) !== "42501") throw error;
    return false;
  } finally {
    await queries.execute(sql`ROLLBACK TO SAVEPOINT silence`);
  }
}

const serverFacts: Sql = sql`
  SELECT current_setting('server_version_num') AS version,
         current_setting('server_version') AS "versionText",
         current_database() AS database,
         pg_database_size(current_database()) AS "databaseBytes",
         current_user AS "user",
         r.rolsuper AS superuser,
         r.rolsuper OR r.rolbypassrls AS "bypassesRowSecurity",
         pg_is_in_recovery() AS "inRecovery",
         current_setting('default_transaction_read_only') = 'on' AS "readOnly",
         has_database_privilege(current_database(), 'CREATE') AS "mayCreateSchema",
         (SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles) AS roles,
         ARRAY(SELECT rolname::text FROM pg_roles WHERE rolsuper OR rolbypassrls ORDER BY rolname) AS "bypassingRoles",
         ${usualAnonymousIsUsed} AS "usesAnon",
         (SELECT coalesce(jsonb_agg(jsonb_build_object('member', member.rolname, 'of', role.rolname)
                                    ORDER BY member.rolname, role.rolname), '[]')
            FROM pg_auth_members m
            JOIN pg_roles member ON member.oid = m.member
            JOIN pg_roles role ON role.oid = m.roleid) AS memberships,
         (SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_namespace) AS schemas
    FROM pg_roles r
   WHERE r.rolname = current_user
`;

/** The relation of that name, or undefined. */
export function findRelation(snapshot: Snapshot, name: RelationName): Relation | undefined {
  return snapshot.relations.find(
    (relation) => relation.schema === name.schema && relation.name === name.name,
  );
}
