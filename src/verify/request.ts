import type { Settings } from "../config/settings.ts";
import type { Queries } from "../postgres/connection.ts";
import { list, sql } from "../postgres/sql.ts";

/** How a request comes to the database: its role, and what its session says of who asks. */
export type Request = {
  /** Whom the application logs in as, where the session can take that role's place. */
  readonly login: string | undefined;
  readonly role: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
};

type Access = Pick<Settings, "identity" | "roles">;

/** What a token says besides who its user is. */
export type Claims = Readonly<Record<string, unknown>>;

/** A signed-in user's. */
export function signedInAs({ identity, roles }: Access, user: string, claims?: Claims): Request {
  const { signedIn: role, login } = roles;
  return { login, role, settings: saying(identity, user, role, claims) };
}

/** One that is signed in, and says of nobody that it is theirs. */
export function signedInAsNobody({ identity, roles }: Access): Request {
  const { signedIn: role, login } = roles;
  return { login, role, settings: saying(identity, undefined, role) };
}

/** One that nobody signed in for: of the role for that, where there is one. */
export function anonymous({ identity, roles }: Access): Request {
  const role = roles.anonymous ?? roles.signedIn;
  return { login: roles.login, role, settings: saying(identity, undefined, role) };
}

/** What the session says. An identity of before is always written over. */
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

/**
 * Does work as a request of the application, until the work ends: logged in as the application does,
 * and from there in the request's role.
 */
export async function asRequest<Result>(
  queries: Queries,
  { login, role, settings }: Request,
  work: () => Promise<Result>,
): Promise<Result> {
  const user = login === undefined ? [] : [["session_authorization", login] as const];
  const all = [...settings, ...user, ["role", role] as const];
  const set = list(all.map(([name, value]) => sql`set_config(${name}, ${value}, TRUE)`));
  await queries.execute(sql`SELECT ${set}`);
  const result = await work();
  await queries.execute(sql`RESET ROLE`);
  if (login !== undefined) await queries.execute(sql`RESET SESSION AUTHORIZATION`);
  return result;
}
