import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, type RelationName, raw, sql } from "../postgres/sql.ts";
import type { Persona } from "../steps/stage.ts";
import type { Tenancy } from "../steps/tenancy.ts";

/** A persona as an existing user plays it, with only the memberships that the proof wants. */
export type Actor = {
  readonly persona: Persona;
  readonly user: string;
  /** The ids of the persona's organizations. */
  readonly organizations: readonly string[];
};

/** The test organizations by slug, and the user who plays every persona, one after the other. */
export type Scene = {
  readonly user: string;
  readonly organizations: ReadonlyMap<string, string>;
};

/**
 * Makes the test organizations. All of it is within a transaction that is rolled back: nothing of
 * it is ever seen by anybody else.
 * @param attempt from 1: each lends another user
 * @returns the scene, or why it could not be set
 */
export async function setScene(
  queries: Queries,
  tenancy: Tenancy,
  personas: readonly Persona[],
  attempt: number,
): Promise<Scene | { readonly impossible: string }> {
  const { users, organizations } = tenancy;
  const [lent] = await queries.rows(
    sql`
      SELECT record.${ident(users.id)}::text AS "user"
        FROM ${ident(users.relation)} AS record
       ORDER BY record.${ident(users.id)}
       LIMIT 1
      -- Somebody may hold the row of the one that was tried before.
      OFFSET ${attempt - 1} % greatest(1, (SELECT count(*)
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
    await queries.execute(sql`
      INSERT INTO ${ident(organizations)} (id, name, slug)
      VALUES (${id}, ${organization}, ${`${organization}-${id}`})
    `);
  }
  return { user: lent.user, organizations: ids };
}

/** Gives the lent user the memberships of a persona, and takes every other away. */
export async function play(
  queries: Queries,
  { memberships, users }: Tenancy,
  { user, organizations }: Scene,
  persona: Persona,
): Promise<Actor> {
  await queries.execute(sql`
    DELETE FROM ${ident(memberships)}
     WHERE user_id = ${user}::${raw(users.idType)}
  `);
  const own: string[] = [];
  for (const { organization, role } of persona.memberships) {
    const id = organizations.get(organization);
    if (id === undefined) throw new Error(`the scene has no organization ${organization}`);
    own.push(id);
    await queries.execute(sql`
      INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
      VALUES (${id}, ${user}::${raw(users.idType)}, ${role})
    `);
  }
  return { persona, user, organizations: own };
}

/**
 * Moves one existing row of the table into each test organization.
 * @returns the organizations that got a row: fewer than asked where the table has too few rows
 */
export async function placeRows(
  queries: Queries,
  relation: RelationName,
  tenancy: Tenancy,
  organizations: readonly string[],
): Promise<readonly string[]> {
  // SKIP LOCKED: a row that the application is writing to right now is left to it.
  const rows = await queries.rows(
    sql`
      SELECT ctid::text AS place
        FROM ${ident(relation)}
       LIMIT ${organizations.length}
         FOR UPDATE SKIP LOCKED
    `,
    z.object({ place: z.string() }),
  );
  const placed: string[] = [];
  for (const [index, { place }] of rows.entries()) {
    const organization = organizations[index];
    if (organization === undefined) break;
    await queries.execute(sql`
      UPDATE ${ident(relation)}
         SET ${ident(tenancy.column)} = ${organization}
       WHERE ctid = ${place}::tid
    `);
    placed.push(organization);
  }
  return placed;
}
