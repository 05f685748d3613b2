import { z } from "zod";
import type { ResolvedSettings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, type RelationName, type Sql, sql, together } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { type Claims, type Request, signedInAs } from "../proof/request.ts";
import {
  joining,
  makeTestOrganizations,
  type TestOrganizations,
} from "../proof/test-organizations.ts";
import type { Fence } from "../proof/trial.ts";
import { type RowColumn, rowColumns } from "../rows/insert-like.ts";
import { insertRows } from "../rows/inserted-rows.ts";
import { moveRows, type TestRows } from "../rows/moved-rows.ts";

/** The fenced tables with rows of two organizations in each: what attacks are tried on. */
export type AttackSetup = {
  readonly queries: Queries;
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fences: readonly (Fence & {
    readonly testRows: TestRows;
    readonly columns: readonly RowColumn[];
  })[];
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
  /** Whether this session may keep the application's triggers and rules from firing. */
  readonly silences: boolean;
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
    if (testRows === undefined) continue;
    const access = { column, role: settings.roles.signedIn };
    const columns = await rowColumns(queries, fence.relation, access);
    placed.push({ ...fence, testRows, columns });
  }
  const { silences } = scene;
  const [user, other] = scene.users;
  if (other !== undefined) {
    const owner = [{ id: foreign, role: "owner" }];
    await queries.execute(together(joining(tenancy, other, owner, silences)));
  }
  const setup = { queries, settings, tenancy, fences: placed, user, other, silences };
  return { ...setup, own, foreign, onClone };
}

function organizationOf({ organizations }: TestOrganizations, slug: string): string {
  const id = organizations.get(slug);
  if (id === undefined) throw new Error(`the scene has no organization ${slug}`);
  return id;
}

/** Makes the attacker a member of these organizations only. */
export async function joinOnly(
  { queries, tenancy, user, own, foreign, silences }: AttackSetup,
  which: readonly ("own" | "foreign")[],
  role: "owner" | "member" = "member",
): Promise<void> {
  const joined = which.map((one) => ({ id: one === "own" ? own : foreign, role }));
  await queries.execute(together(joining(tenancy, user, joined, silences)));
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
