import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, literal, raw, type Sql, sql, toScript } from "../../postgres/sql.ts";
import { localeClauses, localeFields, localeSchema } from "./database-locale.ts";

const roleSchema = z.object({
  name: z.string(),
  attributes: z.array(z.string()),
  connectionLimit: z.number(),
});

const settingSchema = z.object({
  /** Null if the setting is for every role. */
  role: z.string().nullable(),
  /** Whether the setting is for this database only, or for the role in every database. */
  inDatabase: z.boolean(),
  name: z.string(),
  value: z.string(),
});

/** What a database needs and `pg_dump` leaves out. Passwords are not read. */
export const globalsSchema = z.object({
  ...localeSchema.shape,
  owner: z.string(),
  /** -1 for no limit; older backups do not have it. */
  connectionLimit: z.number().optional(),
  roles: z.array(roleSchema),
  memberships: z.array(z.object({ role: z.string(), member: z.string(), admin: z.boolean() })),
  settings: z.array(settingSchema),
  /** Grants on the database itself. */
  grants: z.array(z.object({ grantee: z.string(), privilege: z.string(), grantable: z.boolean() })),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
});

export type Globals = z.output<typeof globalsSchema>;

/** Reads what `pg_dump` leaves out. */
export async function readGlobals(queries: Queries): Promise<Globals> {
  const [row] = await queries.rows(statement, z.object({ globals: globalsSchema }));
  if (row === undefined) throw new Error("the server has no row for its current database");
  return row.globals;
}

const statement: Sql = sql`
  SELECT json_build_object(
           ${localeFields},
           'owner', pg_get_userbyid(d.datdba),
           'connectionLimit', d.datconnlimit,
           'roles', (
             SELECT coalesce(json_agg(json_build_object(
                      'name', r.rolname,
                      'connectionLimit', r.rolconnlimit,
                      'attributes', array_remove(ARRAY[
                        CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
                        CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END,
                        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                        CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                        CASE WHEN r.rolcanlogin THEN 'LOGIN' END,
                        CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                        CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END
                      ], NULL)) ORDER BY r.rolname), '[]')
               FROM pg_roles r
              WHERE r.rolname !~ '^pg_'
           ),
           'memberships', (
             SELECT coalesce(json_agg(DISTINCT jsonb_build_object(
                      'role', role.rolname, 'member', member.rolname, 'admin', m.admin_option)), '[]')
               FROM pg_auth_members m
               JOIN pg_roles role ON role.oid = m.roleid
               JOIN pg_roles member ON member.oid = m.member
              WHERE member.rolname !~ '^pg_'
           ),
           'settings', (
             SELECT coalesce(json_agg(json_build_object(
                      'role', r.rolname,
                      'inDatabase', s.setdatabase <> 0,
                      'name', split_part(entry, '=', 1),
                      'value', substr(entry, strpos(entry, '=') + 1))), '[]')
               FROM pg_db_role_setting s
               LEFT JOIN pg_roles r ON r.oid = s.setrole
              CROSS JOIN unnest(s.setconfig) AS entry
              WHERE s.setdatabase IN (0, d.oid)
           ),
           'grants', (
             SELECT coalesce(json_agg(json_build_object(
                      'grantee', CASE g.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END,
                      'privilege', g.privilege_type,
                      'grantable', g.is_grantable)), '[]')
               FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
           ),
           'extensions', (
             SELECT coalesce(json_agg(json_build_object('name', e.extname, 'version', e.extversion)
                      ORDER BY e.extname), '[]')
               FROM pg_extension e
           )
         ) AS globals
    FROM pg_database d
   WHERE d.datname = current_database()
`;

/** Creates the roles that a server does not have, with their memberships. Existing roles are not changed. */
export function roleStatements(globals: Globals, existing: readonly string[]): Sql[] {
  const missing = globals.roles.filter(({ name }) => !existing.includes(name));
  const names = missing.map(({ name }) => name);
  return [
    ...missing.map(createRole),
    ...globals.memberships
      .filter(({ member }) => names.includes(member))
      .map(
        ({ role, member, admin }) =>
          sql`GRANT ${ident(role)} TO ${ident(member)}${admin ? sql` WITH ADMIN OPTION` : sql``}`,
      ),
  ];
}

/** The settings of the created roles. They may hold secrets, so they must not be logged. */
export function roleSettings(globals: Globals, existing: readonly string[]): Sql[] {
  return globals.settings
    .filter(({ role, inDatabase }) => role !== null && !inDatabase && !existing.includes(role))
    .map((setting) => applySetting(setting, undefined));
}

function createRole({ name, attributes, connectionLimit }: Globals["roles"][number]): Sql {
  const limit = connectionLimit === -1 ? "" : ` CONNECTION LIMIT ${connectionLimit}`;
  return sql`CREATE ROLE ${ident(name)}${raw(attributes.map((word) => ` ${word}`).join(""))}${raw(limit)}`;
}

/** Gives a database the owner, the grants and the connection limit of the dumped one. */
export function databaseStatements(globals: Globals, database: string): Sql[] {
  const { connectionLimit = -1 } = globals;
  return [
    sql`ALTER DATABASE ${ident(database)} OWNER TO ${ident(globals.owner)}`,
    sql`REVOKE ALL ON DATABASE ${ident(database)} FROM PUBLIC`,
    ...globals.grants.map(
      ({ grantee, privilege, grantable }) =>
        sql`GRANT ${raw(privilege)} ON DATABASE ${ident(database)} TO ${
          grantee === "public" ? raw("PUBLIC") : ident(grantee)
        }${grantable ? sql` WITH GRANT OPTION` : sql``}`,
    ),
    ...(connectionLimit < 0
      ? []
      : [sql`ALTER DATABASE ${ident(database)} CONNECTION LIMIT ${raw(String(connectionLimit))}`]),
  ];
}

/** The settings of a database and of roles in it. They may hold secrets, so they must not be logged. */
export function databaseSettings(globals: Globals, database: string): Sql[] {
  return globals.settings
    .filter(({ inDatabase }) => inDatabase)
    .map((setting) => applySetting(setting, database));
}

/** Settings whose value is a list of names: each name is quoted separately. */
const listSettings = [
  "search_path",
  "session_preload_libraries",
  "local_preload_libraries",
  "temp_tablespaces",
  "DateStyle",
];

function applySetting(
  { role, name, value }: Globals["settings"][number],
  database: string | undefined,
): Sql {
  const inDatabase = database === undefined ? sql`` : sql` IN DATABASE ${ident(database)}`;
  const whose =
    role === null ? sql`DATABASE ${ident(database ?? "")}` : sql`ROLE ${ident(role)}${inDatabase}`;
  const parts = listSettings.includes(name) ? listed(value) : [value];
  return sql`ALTER ${whose} SET ${list(
    name.split(".").map((part) => ident(part)),
    ".",
  )} TO ${list(parts.map((part) => literal(part)))}`;
}

/** The parts of a list as the server prints it: `"$user", public`. */
function listed(value: string): string[] {
  return [...value.matchAll(/"((?:[^"]|"")*)"|([^\s,"][^,]*)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? "",
  );
}

/** The same statements as a script for psql. */
export function globalsScript(globals: Globals, database: string): string {
  const statements = [
    ...roleStatements(globals, []),
    ...roleSettings(globals, []),
    ...databaseStatements(globals, database),
    ...databaseSettings(globals, database),
  ];
  return `-- What pg_dump leaves out: roles (without their passwords), memberships, settings, and the grants on
-- the database. CREATE ROLE fails if the role already exists: ignore that error.
-- The database: ${toScript(localeClauses(globals)).replaceAll(/\s+/g, " ").replace(/;$/, "").trim()}
${statements.map(toScript).join("\n")}
`;
}
