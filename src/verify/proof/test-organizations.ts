import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import {
  ident,
  inlined,
  list,
  type RelationName,
  raw,
  type Some,
  type Sql,
  sql,
  textOf,
  together,
} from "../../postgres/sql.ts";
import type { Persona } from "../../steps/model/stage.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { silenceTriggers } from "../../steps/table/backfill.ts";
import { attempt, withoutTriggers } from "./attempt.ts";
import { findTestUsers } from "./test-users.ts";

/** A persona, and the existing user who has its memberships during the proof. */
export type Actor = {
  readonly persona: Persona;
  readonly user: string;
  /** The ids of the persona's organizations. */
  readonly organizations: readonly string[];
};

/** The ids of the test organizations by slug, and the users who get the personas' memberships in turn. */
export type TestOrganizations = {
  readonly users: Some<string>;
  readonly organizations: ReadonlyMap<string, string>;
  /** Whether this session may keep the application's triggers and rules from firing. */
  readonly silences: boolean;
};

/**
 * Creates the test organizations, within a transaction that is rolled back: no other session sees them.
 * @param turn from 1: each turn begins with another user
 * @returns the organizations, or why they could not be created
 */
export async function makeTestOrganizations(
  queries: Queries,
  tenancy: Tenancy,
  personas: readonly Persona[],
  turn: number,
): Promise<TestOrganizations | { readonly impossible: string }> {
  const { organizations } = tenancy;
  const silenced = await attempt(queries, silenceTriggers);
  const silences = silenced.kind === "done";
  if (silences) await queries.execute(sql`SET LOCAL session_replication_role TO DEFAULT`);
  const found = await findTestUsers(queries, tenancy, silences);
  const [first, ...others] = inTurn(found, turn);
  if (first === undefined) {
    const why = `${tenancy.users.relation.name} has no user to try it as, and none could be made`;
    return { impossible: why };
  }
  const slugs = new Set(personas.flatMap(({ memberships }) => memberships).map(slugOf));
  const ids = new Map([...slugs].map((slug) => [slug, randomUUID()]));
  const plain = [...ids].map(([slug, id]) => insertOf(organizations, id, slug));
  const all = await withoutTriggers(queries, () => attempt(queries, together(plain)));
  if (all.kind === "refused") {
    for (const [slug, id] of ids) {
      const refused = await makeOrganization(queries, organizations, id, slug);
      if (refused !== undefined) return { impossible: `no organization could be made: ${refused}` };
    }
  }
  return { users: [first, ...others], organizations: ids, silences };
}

const slugOf = ({ organization }: Persona["memberships"][number]) => organization;

/** The users, beginning with another one in each turn. */
function inTurn(users: readonly string[], turn: number): readonly string[] {
  const start = users.length === 0 ? 0 : (turn - 1) % users.length;
  return [...users.slice(start), ...users.slice(0, start)];
}

function insertOf(organizations: RelationName, id: string, slug: string): Sql {
  return inlined(sql`
    INSERT INTO ${ident(organizations)} (id, name, slug)
    VALUES (${id}, ${slug}, ${slugWith(id, slug)})
  `);
}

const slugWith = (id: string, slug: string) => `${slug}-${id}`;

/** Creates an organization: where the plan's columns no longer suffice, as a copy of an existing one. */
async function makeOrganization(
  queries: Queries,
  organizations: RelationName,
  id: string,
  name: string,
): Promise<string | undefined> {
  const own: Readonly<Record<string, string>> = { id, name, slug: slugWith(id, name) };
  const plain = await withoutTriggers(queries, () =>
    attempt(queries, insertOf(organizations, id, name)),
  );
  if (plain.kind === "done") return undefined;
  const columns = await queries.rows(
    sql`
      SELECT a.attname::text AS name,
             a.atttypid IN ('text'::regtype, 'varchar'::regtype)
             AND EXISTS (SELECT FROM pg_index i
                          WHERE i.indrelid = a.attrelid
                            AND i.indisunique
                            AND a.attnum = ANY (i.indkey)) AS unique
        FROM pg_attribute a
       WHERE a.attrelid = ${textOf(ident(organizations))}::text::regclass
         AND a.attnum > 0
         AND NOT a.attisdropped
         AND a.attgenerated = ''
         AND a.attidentity = ''
    `,
    z.object({ name: z.string(), unique: z.boolean() }),
  );
  const values = columns.map(({ name: column, unique }): Sql => {
    const given = own[column] ?? (unique ? id : undefined);
    if (given === undefined) return sql`record.${ident(column)}`;
    return column === "id" ? sql`${given}::uuid` : sql`${given}::text`;
  });
  const copied = await withoutTriggers(queries, () =>
    attempt(
      queries,
      sql`
        INSERT INTO ${ident(organizations)} (${list(columns.map(({ name: column }) => ident(column)))})
        SELECT ${list(values)}
          FROM ${ident(organizations)} AS record
         ORDER BY record.id
         LIMIT 1
      `,
    ),
  );
  if (copied.kind === "done" && copied.rows === 1) return undefined;
  return copied.kind === "refused" ? copied.message : plain.message;
}

/** Gives one of the users the memberships of a persona, and deletes all others of that user. */
export async function play(
  queries: Queries,
  tenancy: Tenancy,
  { users, organizations, silences }: TestOrganizations,
  { persona, which }: { readonly persona: Persona; readonly which: number },
): Promise<Actor> {
  const user = users[which % users.length] ?? users[0];
  const joined = persona.memberships.map(({ organization, role }) => {
    const id = organizations.get(organization);
    if (id === undefined) throw new Error(`the scene has no organization ${organization}`);
    return { id, role };
  });
  await queries.execute(together(joining(tenancy, user, joined, silences)));
  return { persona, user, organizations: joined.map(({ id }) => id) };
}

/** The statements that give a user these memberships only; without triggers, where this session may. */
export function joining(
  { memberships, users }: Tenancy,
  user: string,
  joined: readonly { readonly id: string; readonly role: string }[],
  silences: boolean,
): readonly Sql[] {
  const key = sql`${user}::${raw(users.idType)}`;
  return [
    ...(silences ? [silenceTriggers] : []),
    sql`DELETE FROM ${ident(memberships)} WHERE user_id = ${key}`,
    ...joined.map(
      ({ id, role }) => sql`
        INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
        VALUES (${id}, ${key}, ${role})
      `,
    ),
    ...(silences ? [sql`SET LOCAL session_replication_role TO DEFAULT`] : []),
  ].map(inlined);
}
