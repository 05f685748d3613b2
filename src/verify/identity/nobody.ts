import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type ResolvedSettings, requestRoles } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { labelOf } from "../attacks/attack-setup.ts";
import {
  type Look,
  othersIn,
  readable,
  whoSeesOthers,
  withIndexes,
} from "../attacks/seen-at-once.ts";
import { attemptAll } from "../proof/attempts.ts";
import { type Request, signedInAs, signedInAsNobody } from "../proof/request.ts";
import type { Fence } from "../proof/trial.ts";
import type { Violation } from "../proof/violation.ts";

type Nobody = { readonly who: string; readonly request: Request };

/** Every form of a request that names no user. */
function nobodies(settings: ResolvedSettings, idType: string): readonly Nobody[] {
  const { identity, roles } = settings;
  const claims = "request.jwt.claims";
  const empty = signedInAsNobody(settings);
  const names = [...new Set([...empty.settings.map(([name]) => name), claims])];
  const saying = (who: string, said: string): Nobody => ({
    who,
    request: { ...empty, settings: names.map((name) => [name, name === claims ? said : ""]) },
  });
  const unknown = idType === "uuid" ? randomUUID() : "-987654321";
  const strange =
    identity.kind === "setting" ? ["", " ", "0", "null", "system", "-1", unknown] : [];
  return [
    saying("a request without claims", ""),
    saying("a request with empty claims", "{}"),
    saying("a request with the claims null", "null"),
    saying("a request with claims that are a list", "[]"),
    saying("a request with claims that are no JSON", "{sub"),
    saying("a request with claims that name a role only", JSON.stringify({ role: roles.signedIn })),
    saying("a request with an empty subject", JSON.stringify({ sub: "", role: roles.signedIn })),
    saying("a request with the subject null", JSON.stringify({ sub: null, role: roles.signedIn })),
    ...(identity.kind === "setting"
      ? strange.map((user) => ({
          who: `a request of the user ${JSON.stringify(user)}`,
          request: signedInAs(settings, user),
        }))
      : [
          { who: "a request of a user who does not exist", request: signedInAs(settings, unknown) },
        ]),
  ];
}

type Scope = {
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fences: readonly Fence[];
};

/** Requests that name no user, or one who does not exist, see no row of any table. */
export function tryNobody(queries: Queries, scope: Scope): Promise<readonly Violation[]> {
  return seenByEach(queries, scope, nobodies(scope.settings, scope.tenancy.users.idType));
}

/**
 * The same in a session in which the settings that name users were never made: settings that were made once
 * are empty afterwards, but not missing.
 * @returns undefined if they were made in this session before
 */
export async function tryUnnamed(
  queries: Queries,
  scope: Scope,
): Promise<readonly Violation[] | undefined> {
  const [first] = nobodies(scope.settings, scope.tenancy.users.idType);
  if (!(await wereNeverSet(queries, first?.request))) return undefined;
  const request = { ...signedInAsNobody(scope.settings), settings: [] };
  return seenByEach(queries, scope, [{ who: "a request that never named a user", request }]);
}

async function seenByEach(
  queries: Queries,
  { settings, tenancy, fences }: Scope,
  all: readonly Nobody[],
): Promise<readonly Violation[]> {
  const looks: readonly Look[] = [
    ...fences.map(({ relation }) => ({ relation, column: tenancy.column })),
    { relation: tenancy.memberships, column: "organization_id" },
    { relation: tenancy.organizations, column: "id" },
  ];
  const violations: Violation[] = [];
  for (const role of requestRoles(settings)) {
    const asking = await inRole(queries, settings, role, all);
    const askable = await readable({ queries }, looks, role);
    const requests = asking.map(({ request }) => ({ as: request, theirs: [] }));
    const seen = await whoSeesOthers({ queries }, askable, requests);
    for (const [index, one] of asking.entries()) {
      // An error shows no row: of claims that are no JSON, functions may say so.
      const sees = seen[index] === "something" || seen[index] === "an error";
      if (sees) violations.push(...(await seenBy(queries, askable, one)));
    }
  }
  return violations;
}

/** The requests in another role, with the application's login where that may become it. */
async function inRole(
  queries: Queries,
  { roles: { login, signedIn } }: ResolvedSettings,
  role: string,
  all: readonly Nobody[],
): Promise<readonly Nobody[]> {
  if (role === signedIn) return all;
  const [row] = await queries.rows(
    sql`SELECT coalesce(pg_has_role(${login ?? null}::name, ${role}::name, 'MEMBER'), FALSE) AS may`,
    z.object({ may: z.boolean() }),
  );
  return all.map(({ who, request }) => ({
    who: `${who}, as ${role}`,
    request: { ...request, role, login: row?.may === true ? login : undefined },
  }));
}

async function seenBy(
  queries: Queries,
  looks: readonly Look[],
  { who, request }: Nobody,
): Promise<readonly Violation[]> {
  const outcomes = await attemptAll(
    queries,
    looks.map((look) => ({
      as: request,
      settings: withIndexes,
      statement: othersIn(look, []),
      answers: true,
    })),
  );
  return looks.flatMap((look, index): Violation[] => {
    const outcome = outcomes[index];
    if (outcome?.kind !== "done" || outcome.answer === null) return [];
    const statement = sql`SELECT * FROM ${ident(look.relation)}`;
    const answer = `a row of organization ${outcome.answer}`;
    const shown = { who, request, object: look.relation, statement, answer };
    return [{ what: `${who} sees rows of ${labelOf(look.relation)}`, shown }];
  });
}

async function wereNeverSet(queries: Queries, request: Request | undefined): Promise<boolean> {
  const names = (request?.settings ?? []).map(([name]) => name);
  const [row] = await queries.rows(
    sql`
      SELECT bool_and(current_setting(name, TRUE) IS NULL) AS never
        FROM unnest(${names}::text[]) AS name
    `,
    z.object({ never: z.boolean().nullable() }),
  );
  return row?.never === true;
}
