import { z } from "zod";
import type { Session } from "../../postgres/connection.ts";
import { literal, raw, type Sql, sql } from "../../postgres/sql.ts";

/** A database's encoding, collation and locale provider. */
export const localeSchema = z.object({
  encoding: z.string(),
  collation: z.string(),
  characterType: z.string(),
  /** pg_database.datlocprovider: libc, ICU or builtin. Servers before 15 and older backups have none. */
  localeProvider: z.enum(["c", "i", "b"]).nullish(),
  /** The ICU or builtin locale. */
  locale: z.string().nullish(),
  /** The ICU collation rules of the database. */
  localeRules: z.string().nullish(),
});

export type DatabaseLocale = z.output<typeof localeSchema>;

/** The fields of a locale, from a row `d` of pg_database, whose columns depend on the version. */
export const localeFields: Sql = sql`
  'encoding', pg_encoding_to_char(d.encoding),
  'collation', d.datcollate,
  'characterType', d.datctype,
  'localeProvider', to_jsonb(d) ->> 'datlocprovider',
  'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
  'localeRules', to_jsonb(d) ->> 'daticurules'
`;

/** A locale as clauses of CREATE DATABASE. */
export function localeClauses(database: DatabaseLocale): Sql {
  const { encoding, collation, characterType } = database;
  return sql`
    ENCODING ${literal(encoding)}
    LC_COLLATE ${literal(collation)}
    LC_CTYPE ${literal(characterType)}
    ${providerClauses(database)}
  `;
}

function providerClauses({ localeProvider, locale, localeRules }: DatabaseLocale): Sql {
  switch (localeProvider) {
    case "c":
      return sql`LOCALE_PROVIDER libc`;
    case "b":
      return sql`LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(locale ?? "C")}`;
    case "i": {
      const rules = localeRules == null ? raw("") : sql` ICU_RULES ${literal(localeRules)}`;
      return sql`LOCALE_PROVIDER icu ICU_LOCALE ${literal(locale ?? "und")}${rules}`;
    }
    case null:
    case undefined:
      return raw("");
    default:
      return localeProvider satisfies never;
  }
}

/** The locale if the server has it; otherwise libc's C, which works with every encoding. */
export async function knownLocale(
  session: Session,
  database: DatabaseLocale,
): Promise<DatabaseLocale> {
  const { collation, characterType, localeProvider } = database;
  const [known] = await session.rows(
    sql`
      SELECT ${hasLocale(collation)} AS collation,
             ${hasLocale(characterType)} AS "characterType",
             current_setting('server_version_num')::integer >= 150000 AS providers,
             CASE ${localeProvider ?? null}
               WHEN 'i' THEN EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')
               WHEN 'b' THEN current_setting('server_version_num')::integer >= 170000
               ELSE TRUE
             END AS provider
    `,
    z.object({
      collation: z.boolean(),
      characterType: z.boolean(),
      providers: z.boolean(),
      provider: z.boolean(),
    }),
  );
  const libc = known?.providers === true && localeProvider != null ? "c" : null;
  return {
    ...database,
    collation: known?.collation === true ? collation : "C",
    characterType: known?.characterType === true ? characterType : "C",
    localeProvider: known?.providers === true && known.provider ? localeProvider : libc,
  };
}

function hasLocale(locale: string): Sql {
  return sql`
    EXISTS (
      SELECT
        FROM pg_collation
       WHERE ${locale}::text IN (collcollate::text, collname::text)
    )
  `;
}
