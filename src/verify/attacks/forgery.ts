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
const usualKeys = ["organization_id", "org_id", "tenant_id", "organizations", "role"];
const usualSettings = ["app.organization_id", "app.tenant_id"];

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
  const all = texts.map(({ text }) => text).join("\n");
  const { identity } = settings;
  const own = identity.kind === "setting" ? identity.setting : "";
  const asked = found(all, /current_setting\('([^']+)'/g).filter(
    (name) => name.includes(".") && !name.startsWith("request.") && name !== own,
  );
  const keys = found(all, /->>?\s*'([^']+)'/g).filter((key) => key !== "sub");
  return {
    settings: [...new Set([...asked, ...usualSettings])],
    keys: [...new Set([...keys, ...usualKeys])],
  };
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = ""]) => name);
}

/** A value for each key: a user, a role or an organization, by the key's name. */
function claimsFor(keys: readonly string[], organization: string, user: string): Claims {
  return Object.fromEntries(
    keys.map((key) => {
      if (/user|person|uid/i.test(key)) return [key, user];
      if (/^is|admin/i.test(key)) return [key, "true"];
      if (/role/i.test(key)) return [key, "admin"];
      if (/s$/i.test(key)) return [key, [organization]];
      return [key, organization];
    }),
  );
}

/** A member's request that claims the other organization in everything that a client may write. */
export function forgedRequest(setup: AttackSetup, { settings, keys }: ClaimNames): Request {
  const { foreign, other, user } = setup;
  const said = claimsFor(keys, foreign, other ?? user);
  const own = attackersRequest(setup, { user_metadata: said });
  return {
    ...own,
    settings: [
      ...own.settings,
      ["request.headers", JSON.stringify(said)],
      ...settings.map((name) => [name, foreign] as const),
    ],
  };
}

/** The request of a user with the claims of a membership that was deleted. */
export function staleRequest(setup: AttackSetup, { keys }: ClaimNames): Request {
  const { foreign, user } = setup;
  const said = claimsFor(keys, foreign, user);
  return attackersRequest(setup, { ...said, app_metadata: said, user_metadata: said });
}
