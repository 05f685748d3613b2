import { z } from "zod";
import { isUserSchema } from "../../catalog/system-schemas.ts";
import { sql } from "../../postgres/sql.ts";
import type { Claims, Request } from "../proof/request.ts";
import { type AttackSetup, attackersRequest } from "./attack-setup.ts";

/** The names of settings and claims that policies and functions of the database read. */
export type ClaimNames = {
  readonly settings: readonly string[];
  /** Keys of tokens, of their user_metadata and app_metadata, and of headers. */
  readonly keys: readonly string[];
};

/** What applications usually read, for functions that read it without a literal name. */
const usualKeys = [
  ...["organization_id", "org_id", "tenant_id", "organizations", "role", "user_id", "id", "sub"],
  ...["x-organization-id", "x-org-id", "x-tenant-id", "x-user-id", "x-user", "x-forwarded-user"],
];
const usualSettings = ["app.organization_id", "app.tenant_id", "app.user_id", "app.current_user"];

/** More keys than a database reads, and few enough for one setting. */
const mostKeys = 400;

/** Reads the names from the text of policies and functions. */
export async function readClaimNames({ queries, settings }: AttackSetup): Promise<ClaimNames> {
  const texts = await queries.rows(
    sql`
      SELECT concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS text
        FROM pg_policy p
       UNION ALL
      SELECT coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) AS text
        FROM pg_proc f
        JOIN pg_namespace n ON n.oid = f.pronamespace
        JOIN pg_language l ON l.oid = f.prolang
       WHERE ${isUserSchema(sql`n.nspname`)}
         AND l.lanname IN ('sql', 'plpgsql')
    `,
    z.object({ text: z.string() }),
  );
  const reading = texts
    .map(({ text }) => text)
    .filter((text) => /current_setting|jwt|claims|headers/i.test(text))
    .join("\n");
  const { identity } = settings;
  const own = identity.kind === "setting" ? identity.setting : "";
  const asked = found(reading, /current_setting\('([^']+)'/g).filter(
    (name) => isCustom.test(name) && !isRequests(name) && name !== own,
  );
  // A key may be read by ->>, #>>, ?, jsonb_extract_path, a subscript or a function of the application. The
  // closing quote is not consumed: texts with an odd number of quotes would hide the literals after them.
  const literals = found(reading, /'(?=([a-z{][a-z0-9_,{}-]{0,60})')/gi);
  const keys = [...found(reading, /(?:->>?|\?)\s*'([^'\n]{1,60})'/g), ...literals]
    .flatMap((literal) => literal.replaceAll(/[{}]/g, "").split(","))
    .filter((key) => /^[a-z][a-z0-9_-]*$/i.test(key));
  return {
    settings: [...new Set([...asked, ...usualSettings])].filter((name) => name !== own),
    keys: [...new Set([...usualKeys, ...keys])].slice(0, mostKeys),
  };
}

/** A setting that everybody may make, by PostgreSQL's rules for its name. */
const isCustom = /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$/i;

/** The settings that the server of the API makes; the application's own are forged by their names. */
function isRequests(name: string): boolean {
  return /^request\.(jwt|headers$|cookies$|method$|path$)/.test(name);
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = ""]) => name);
}

/** What a forged key says. */
type Value = string | readonly string[] | Readonly<Record<string, string>>;

/** What is said in all keys and settings at once, in words. */
export type Forged = {
  readonly what: string;
  readonly value: (key: string) => Value;
};

/** Keys that usually hold a role, or say that one is an administrator. */
const asRole = (key: string): string | undefined => {
  if (/^is|admin/i.test(key)) return "true";
  return /role/i.test(key) ? "admin" : undefined;
};

/** What is tried: the other organization and its member, each as a text, a list and an object's key. */
export function forgeries({ foreign, other, user }: AttackSetup): readonly Forged[] {
  const somebody = other ?? user;
  const whom: readonly (readonly [string, string])[] = [
    ["the organization", foreign],
    ["a member", somebody],
  ];
  const forms = whom.flatMap(([what, id]): Forged[] => [
    { what, value: (key) => asRole(key) ?? id },
    { what: `${what} in a list`, value: (key) => asRole(key) ?? [id] },
    { what: `${what} in an object`, value: (key) => asRole(key) ?? { [id]: "owner", id } },
    { what: `${what} in every key`, value: () => id },
  ]);
  const byName: Forged = {
    what: "both, by the keys' names",
    value: (key) => {
      const role = asRole(key);
      if (role !== undefined) return role;
      if (/user|person|uid|sub/i.test(key)) return somebody;
      return /s$/i.test(key) ? [foreign] : foreign;
    },
  };
  return [byName, ...forms];
}

/** A member's request that claims the other organization in everything that a client may write. */
export function forgedRequest(
  setup: AttackSetup,
  { settings, keys }: ClaimNames,
  forged: Forged,
): Request {
  const said = saying(keys, forged);
  const own = attackersRequest(setup, { user_metadata: said });
  const text = (name: string) => {
    const value = forged.value(name);
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  return {
    ...own,
    settings: [
      ...own.settings,
      ...otherIdentities(setup),
      ["request.headers", JSON.stringify(said)],
      ["request.cookies", JSON.stringify(said)],
      ...settings.map((name) => [name, text(name)] as const),
    ],
  };
}

/** Where the application's identity is another, the settings by which PostgREST names a user name another one. */
function otherIdentities({ settings, other }: AttackSetup): Request["settings"] {
  if (other === undefined || settings.identity.kind === "supabase") return [];
  const legacy = [["request.jwt.claim.sub", other]] as const;
  if (settings.identity.kind === "jwt-claim") return legacy;
  return [...legacy, ["request.jwt.claims", JSON.stringify({ sub: other })]];
}

/** The request of a user with the claims of a membership that was deleted. */
export function staleRequest(setup: AttackSetup, { keys }: ClaimNames, forged: Forged): Request {
  // Who the user is is the truth: it is the server of the API that signs it.
  const said = saying(
    keys.filter((key) => key !== "sub"),
    forged,
  );
  return attackersRequest(setup, { ...said, app_metadata: said, user_metadata: said });
}

function saying(keys: readonly string[], { value }: Forged): Claims {
  return Object.fromEntries(keys.map((key) => [key, value(key)]));
}
