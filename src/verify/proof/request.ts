import type { ResolvedSettings, Settings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, literal, type Sql, sql, together } from "../../postgres/sql.ts";

/** A request as the database sees it: its role, and the settings that say which user it is for. */
export type Request = {
  /** The application's login role, where this session may SET SESSION AUTHORIZATION to it. */
  readonly login: string | undefined;
  readonly role: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
};

type Access = Pick<Settings, "identity" | "roles">;

/** The claims of a token, without its user. */
export type Claims = Readonly<Record<string, unknown>>;

/** The request of a signed-in user. */
export function signedInAs({ identity, roles }: Access, user: string, claims?: Claims): Request {
  const { signedIn: role, login } = roles;
  return { login, role, settings: saying(identity, user, role, claims) };
}

/** A request in the signed-in role that names no user. */
export function signedInAsNobody({ identity, roles }: Access): Request {
  const { signedIn: role, login } = roles;
  return { login, role, settings: saying(identity, undefined, role) };
}

/** A request that is not signed in: in the anonymous role, where there is one. */
export function anonymous({
  identity,
  roles,
}: Pick<ResolvedSettings, "identity" | "roles">): Request {
  const role = roles.anonymous ?? roles.signedIn;
  return { login: roles.login, role, settings: saying(identity, undefined, role) };
}

/** The session's settings. Those of an earlier request are always overwritten. */
function saying(
  identity: Settings["identity"],
  user: string | undefined,
  role: string,
  more: Claims = {},
): Request["settings"] {
  const token = (subject: string): readonly [string, string] => [
    "request.jwt.claims",
    JSON.stringify({ ...more, ...(user === undefined ? {} : { [subject]: user }), role }),
  ];
  switch (identity.kind) {
    case "supabase":
      return [token("sub"), ["request.jwt.claim.sub", user ?? ""]];
    case "jwt-claim":
      return [token(identity.claim)];
    case "setting":
      return [[identity.setting, user ?? ""], token("sub")];
    default:
      return identity satisfies never;
  }
}

/** Does work as a request of the application: with the application's login, and then in the request's role. */
export async function asRequest<Result>(
  queries: Queries,
  request: Request,
  work: () => Promise<Result>,
): Promise<Result> {
  await queries.execute(together(beginningAs(request)));
  const result = await work();
  await queries.execute(together(endingAs(request)));
  return result;
}

/** The statements with which a transaction becomes the request. */
export function beginningAs({ login, role, settings }: Request): readonly Sql[] {
  const user = login === undefined ? [] : [["session_authorization", login] as const];
  return [...settings, ...user, ["role", role] as const].map(
    ([name, value]) => sql`SET LOCAL ${ident(name)} = ${literal(value)}`,
  );
}

/** The statements with which it has its own role again; the request's other settings remain. */
export function endingAs({ login }: Request): readonly Sql[] {
  const user = login === undefined ? [] : [sql`RESET SESSION AUTHORIZATION`];
  return [sql`RESET ROLE`, ...user];
}
