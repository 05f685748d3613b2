import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, type RelationName, raw, type Sql, sql, textOf } from "../../postgres/sql.ts";
import type { Persona } from "../../steps/model/stage.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { attempt, withoutTriggers } from "./attempt.ts";

/** A persona, and the existing user who has its memberships during the proof. */
export type Actor = {
  readonly persona: Persona;
  readonly user: string;
  /** The ids of the persona's organizations. */
  readonly organizations: readonly string[];
};

/** The ids of the test organizations by slug, and the existing user who gets each persona's memberships in turn. */
export type TestOrganizations = {
  readonly user: string;
  readonly organizations: ReadonlyMap<string, string>;
};

/**
 * Creates the test organizations, within a transaction that is rolled back: no other session sees them.
 * @param turn from 1: each turn takes another user
 * @returns the organizations, or why they could not be created
 */
export async function makeTestOrganizations(
  queries: Queries,
  tenancy: Tenancy,
  personas: readonly Persona[],
  turn: number,
): Promise<TestOrganizations | { readonly impossible: string }> {
  const { users, organizations } = tenancy;
  const [lent] = await queries.rows(
    sql`
      SELECT record.${ident(users.id)}::text AS "user"
        FROM ${ident(users.relation)} AS record
       ORDER BY record.${ident(users.id)}
       LIMIT 1
      -- Another session may have locked the row of the user before.
      OFFSET ${turn - 1} % greatest(1, (SELECT count(*)
                                             FROM (SELECT FROM ${ident(users.relation)} LIMIT 20) AS few))
    `,
    z.object({ user: z.string() }),
  );
  if (lent === undefined) {
    return { impossible: `${users.relation.name} has no user to try it as` };
  }
  const ids = new Map<string, string>();
  for (const { organization } of personas.flatMap((persona) => persona.memberships)) {
    if (ids.has(organization)) continue;
    const id = randomUUID();
    ids.set(organization, id);
    const refused = await makeOrganization(queries, organizations, id, organization);
    if (refused !== undefined) return { impossible: `no organization could be made: ${refused}` };
  }
  return { user: lent.user, organizations: ids };
}

/** Creates an organization: where the plan's columns no longer suffice, as a copy of an existing one. */
async function makeOrganization(
  queries: Queries,
  organizations: RelationName,
  id: string,
  name: string,
): Promise<string | undefined> {
  const own: Readonly<Record<string, string>> = { id, name, slug: `${name}-${id}` };
  const plain = await withoutTriggers(queries, () =>
    attempt(
      queries,
      sql`
        INSERT INTO ${ident(organizations)} (id, name, slug)
        VALUES (${id}, ${name}, ${own["slug"] ?? id})
      `,
    ),
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

/** Gives the user the memberships of a persona, and deletes all others. */
export async function play(
  queries: Queries,
  { memberships, users }: Tenancy,
  { user, organizations }: TestOrganizations,
  persona: Persona,
): Promise<Actor> {
  const own: string[] = [];
  await withoutTriggers(queries, async () => {
    await queries.execute(sql`
      DELETE FROM ${ident(memberships)}
       WHERE user_id = ${user}::${raw(users.idType)}
    `);
    for (const { organization, role } of persona.memberships) {
      const id = organizations.get(organization);
      if (id === undefined) throw new Error(`the scene has no organization ${organization}`);
      own.push(id);
      await queries.execute(sql`
        INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
        VALUES (${id}, ${user}::${raw(users.idType)}, ${role})
      `);
    }
  });
  return { persona, user, organizations: own };
}
