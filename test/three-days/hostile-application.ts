import { formatRelationName } from "../../src/config/relation-name.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import {
  ident,
  list,
  longestNameInBytes,
  type RelationName,
  type Sql,
  sql,
} from "../../src/postgres/sql.ts";

/** What PostgreSQL takes for a name, and few programs do. */
export const hostileNames: readonly string[] = [
  "Capitals, Spaces; DROP TABLE x;--",
  `double "quotes" "" and 'single' ones ''`,
  "-- comment /* and another",
  "dots.in.it.",
  "two\nlines\r\nand a third",
  "$1 $2::text $function$ BEGIN $$",
  "back\\slash \\n %s %I %",
  "Überäöü 表 😀 :colon :'variable'",
  '"',
  "select",
  "t".repeat(longestNameInBytes),
  "表".repeat(longestNameInBytes / 3),
];

const otherSchema = 'an "other" schema; $1.x\n--';
const role = 'app\'s "role"; -- $1';
const users: RelationName = { schema: otherSchema, name: 'the "users"; --' };
const userId = 'user\'s "id"';
const email = "e.mail";
const company = "company\n--";

export type HostileTable = {
  readonly relation: RelationName;
  readonly source: "user" | "via" | "sql" | "default";
  /** Whose the row is; the rows of `default` have it too, and it means nothing there. */
  readonly owner: string;
  readonly key: string;
  readonly parent: RelationName | undefined;
  readonly parentColumn: string;
};

function tablesIn(schema: string): HostileTable[] {
  const nameAt = (index: number) => hostileNames[index % hostileNames.length] ?? "?";
  const sources = ["user", "via", "sql", "default"] as const;
  return hostileNames.map((name, index) => {
    const source = sources[index % sources.length] ?? "default";
    return {
      relation: { schema, name },
      source,
      // The keys of a table and of its parent have the same name.
      key: nameAt(index - (index % sources.length) + 5),
      owner: nameAt(index + 10),
      parentColumn: nameAt(index + 12),
      parent: source === "via" ? { schema, name: nameAt(index - 1) } : undefined,
    };
  });
}

export const hostileTables: readonly HostileTable[] = ["public", otherSchema].flatMap(tablesIn);

/** Twelve users in two companies, and twelve rows of theirs in each table. */
export async function makeHostileApplication(session: Session): Promise<void> {
  await session.execute(sql`
    DO $$
    BEGIN
      CREATE ROLE ${ident(role)} NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
    END
    $$
  `);
  await session.transaction(async (queries) => {
    await queries.execute(sql`CREATE SCHEMA ${ident(otherSchema)}`);
    await queries.execute(sql`
      CREATE TABLE ${ident(users)} (
        ${ident(userId)} text PRIMARY KEY,
        ${ident(email)} text NOT NULL,
        ${ident(company)} text NOT NULL
      )
    `);
    await queries.execute(sql`
      INSERT INTO ${ident(users)}
      SELECT format('it''s "%s"', n), format('%s@example', n), CASE WHEN n % 3 = 0 THEN 'second' ELSE 'first' END
        FROM generate_series(1, 12) AS n
    `);
    for (const table of hostileTables) await makeTable(queries, table);
    await queries.execute(
      sql`GRANT USAGE ON SCHEMA public, ${ident(otherSchema)} TO ${ident(role)}`,
    );
    await queries.execute(sql`
      GRANT ALL ON ALL TABLES IN SCHEMA public, ${ident(otherSchema)}
      TO ${ident(role)}
    `);
  });
}

async function makeTable(queries: Queries, table: HostileTable): Promise<void> {
  const { relation, key, owner, parent, parentColumn } = table;
  const reference =
    parent === undefined
      ? []
      : [sql`${ident(parentColumn)} integer NOT NULL REFERENCES ${ident(parent)}`];
  const columns: readonly Sql[] = [
    sql`${ident(key)} integer PRIMARY KEY`,
    sql`${ident(owner)} text NOT NULL REFERENCES ${ident(users)}`,
    ...reference,
  ];
  await queries.execute(sql`CREATE TABLE ${ident(relation)} (${list(columns)})`);
  await queries.execute(sql`
    INSERT INTO ${ident(relation)}
    SELECT ${list([sql`n`, sql`format('it''s "%s"', n)`, ...(parent === undefined ? [] : [sql`n`])])}
      FROM generate_series(1, 12) AS n
  `);
}

const written = (name: string | RelationName): string => ident(name).parts.join("");

export type HostileNames = NonNullable<Config["names"]>;

/** Their configuration, by the tables' own names and as the configuration writes them. */
export function hostileConfig(
  names: HostileNames,
  schema: "public" | "the other",
  smallTableInBytes: number | undefined,
): Config {
  const of = schema === "public" ? "public" : otherSchema;
  const memberships = written({ schema: of, name: names.memberships ?? "organization_users" });
  const sourceOf = ({ source, owner, parentColumn }: HostileTable) => {
    switch (source) {
      case "user":
        return { user: owner };
      case "via":
        return { via: parentColumn };
      case "sql":
        return {
          sql: `(SELECT m.organization_id FROM ${memberships} AS m WHERE m.user_id = record.${written(owner)})`,
        };
      case "default":
        return "default" as const;
      default:
        return source satisfies never;
    }
  };
  const tables = (schemaOfTables: string) =>
    Object.fromEntries(
      hostileTables
        .filter(({ relation }) => relation.schema === schemaOfTables)
        .map((table) => [formatRelationName(table.relation, of), sourceOf(table)]),
    );
  return {
    schema: of,
    names,
    identity: { kind: "jwt-claim", claim: 'it\'s "me"; -- $1 \\' },
    users: {
      table: formatRelationName(users, of),
      id: userId,
      owners: `record.${written(email)} IN ('1@example', '3@example')`,
    },
    roles: { signedIn: role },
    defaultOrganization: { name: 'O\'Neil "& Sons"; $1 \\ %s\n', slug: "first" },
    organizations: [
      { name: "'second'", slug: "second", users: `record.${written(company)} = 'second'` },
    ],
    day1: { tables: tables("public") },
    day2: { tables: tables(otherSchema) },
    profiles: { [formatRelationName(users, of)]: { user: userId } },
    hardening: { foreignKeys: ["all"] },
    ...(smallTableInBytes === undefined ? {} : { online: { smallTableInBytes } }),
  };
}

/** The rows of a table that are not where they should be, each as one `text`. */
export function misplacedRows(
  { relation, owner, source }: HostileTable,
  { names, schema }: Config,
): Sql {
  const of = schema ?? "public";
  const organizations = { schema: of, name: names?.organizations ?? "organizations" };
  const column = names?.organizationColumn ?? "organization_id";
  const expected =
    source === "default"
      ? sql`'first'`
      : sql`(SELECT u.${ident(company)} FROM ${ident(users)} u WHERE u.${ident(userId)} = record.${ident(owner)})`;
  return sql`
    SELECT format('%s is in %s', record, o.slug) AS text
      FROM ${ident(relation)} AS record
      LEFT JOIN ${ident(organizations)} o ON o.id = record.${ident(column)}
     WHERE o.slug IS DISTINCT FROM ${expected}
  `;
}
