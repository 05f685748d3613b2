import type { ResolvedSettings, Settings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, literal, type Sql, sql, together } from "../../postgres/sql.ts";

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
export function anonymous({
  identity,
  roles,
}: Pick<ResolvedSettings, "identity" | "roles">): Request {
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
  request: Request,
  work: () => Promise<Result>,
): Promise<Result> {
  await queries.execute(together(beginningAs(request)));
  const result = await work();
  await queries.execute(together(endingAs(request)));
  return result;
}

/** What a transaction becomes the request with. */
export function beginningAs({ login, role, settings }: Request): readonly Sql[] {
  const user = login === undefined ? [] : [["session_authorization", login] as const];
  return [...settings, ...user, ["role", role] as const].map(
    ([name, value]) => sql`SET LOCAL ${ident(name)} = ${literal(value)}`,
  );
}

/** What it is itself again with; what the request said is left standing. */
export function endingAs({ login }: Request): readonly Sql[] {
  const user = login === undefined ? [] : [sql`RESET SESSION AUTHORIZATION`];
  return [sql`RESET ROLE`, ...user];
}
