import { z } from "zod";
import type { ResolvedSettings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { withoutTriggers } from "../proof/attempt.ts";
import { type Claims, type Request, signedInAs } from "../proof/request.ts";
import {
  makeTestOrganizations,
  play,
  type TestOrganizations,
} from "../proof/test-organizations.ts";
import type { Fence } from "../proof/trial.ts";
import { insertRows } from "../rows/inserted-rows.ts";
import { moveRows, type TestRows } from "../rows/moved-rows.ts";

/** The fenced tables with rows of two organizations in each: what attacks are tried on. */
export type AttackSetup = {
  readonly queries: Queries;
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fences: readonly (Fence & { readonly testRows: TestRows })[];
  /** The user who attacks. */
  readonly user: string;
  /** A member of the other organization; undefined where there is only one user. */
  readonly other: string | undefined;
  /** The attacker's organization. */
  readonly own: string;
  /** The organization whose rows the attacker must not see or change. */
  readonly foreign: string;
  /** Whether this is a copy of the database, which may be changed. */
  readonly onClone?: boolean | undefined;
};

const first = { organization: "test-client-a", role: "member" } as const;
const second = { organization: "test-client-b", role: "member" } as const;

/**
 * Makes the two organizations, with a row of each in each table.
 * @param how `planted` leaves tables out in which no row can be made; `moved` takes two rows that are
 *   there, for which writers wait until the transaction's end
 */
export async function setUpAttack(
  queries: Queries,
  { settings, tenancy, onClone }: Pick<AttackSetup, "settings" | "tenancy" | "onClone">,
  fences: readonly Fence[],
  { how, turn }: { readonly how: "planted" | "moved"; readonly turn: number },
): Promise<AttackSetup | { readonly impossible: string }> {
  const members = [first, second].map((one) => ({ name: one.organization, memberships: [one] }));
  const scene = await makeTestOrganizations(queries, tenancy, members, turn);
  if ("impossible" in scene) return scene;
  const own = organizationOf(scene, first.organization);
  const foreign = organizationOf(scene, second.organization);
  const placed: AttackSetup["fences"][number][] = [];
  const { column } = tenancy;
  for (const fence of fences) {
    const testRows =
      how === "moved"
        ? await moveRows(queries, fence.relation, tenancy, [own, foreign])
        : await insertRows(queries, fence, { column, role: settings.roles.signedIn }, [
            own,
            foreign,
          ]);
    if (testRows !== undefined) placed.push({ ...fence, testRows });
  }
  const other = await makeMember(queries, tenancy, scene.user, foreign);
  const setup = { queries, settings, tenancy, fences: placed, user: scene.user, other };
  return { ...setup, own, foreign, onClone };
}

function organizationOf({ organizations }: TestOrganizations, slug: string): string {
  const id = organizations.get(slug);
  if (id === undefined) throw new Error(`the scene has no organization ${slug}`);
  return id;
}

async function makeMember(
  queries: Queries,
  { users, memberships }: Tenancy,
  attacker: string,
  organization: string,
): Promise<string | undefined> {
  const [other] = await queries.rows(
    sql`
      SELECT record.${ident(users.id)}::text AS "user"
        FROM ${ident(users.relation)} AS record
       WHERE record.${ident(users.id)} <> ${attacker}::${raw(users.idType)}
       ORDER BY record.${ident(users.id)} DESC
       LIMIT 1
    `,
    z.object({ user: z.string() }),
  );
  if (other === undefined) return undefined;
  await withoutTriggers(queries, () =>
    queries.execute(sql`
      INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
      VALUES (${organization}, ${other.user}::${raw(users.idType)}, 'owner')
    `),
  );
  return other.user;
}

/** Makes the attacker a member of these organizations only. */
export async function joinOnly(
  { queries, tenancy, user, own, foreign }: AttackSetup,
  which: readonly ("own" | "foreign")[],
  role: "owner" | "member" = "member",
): Promise<void> {
  const organizations = new Map([
    [first.organization, own],
    [second.organization, foreign],
  ]);
  const memberships = which.map((one) => ({ ...(one === "own" ? first : second), role }));
  await play(queries, tenancy, { user, organizations }, { name: "attacker", memberships });
}

/** The attacker's request, as a signed-in user. */
export function attackersRequest({ settings, user }: AttackSetup, claims?: Claims): Request {
  return signedInAs(settings, user, claims);
}

/** The other organization's rows in the fenced tables, as one query of `row`. */
export function othersRows({ fences, tenancy, foreign }: AttackSetup): Sql | undefined {
  const column = ident(tenancy.column);
  const parts = fences.map(
    ({ relation, label }) => sql`
      SELECT ${label}::text || ' ' || record::text AS row
        FROM ${ident(relation)} AS record
       WHERE record.${column} = ${foreign}::uuid`,
  );
  return parts.length === 0 ? undefined : sql`${list(parts, " UNION ALL ")} ORDER BY 1`;
}

const rowSchema = z.object({ row: z.string() });

/** The other organization's rows now, as a text to compare. */
export async function othersHave(setup: AttackSetup): Promise<string> {
  const rows = othersRows(setup);
  if (rows === undefined) return "[]";
  return JSON.stringify(await setup.queries.rows(rows, rowSchema));
}

/** A relation's name for messages. */
export function labelOf({ schema, name }: RelationName): string {
  return `${schema}.${name}`;
}
