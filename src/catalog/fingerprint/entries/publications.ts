import { type Sql, sql } from "../../../postgres/sql.ts";

/** Row filters, column lists and properties of publications, whose names and tables have entries already. */
export const publicationEntries: readonly Sql[] = [
  sql`
    SELECT format('settings of publication %I', p.pubname) AS object,
           concat_ws(' ', 'owner', p.pubowner::regrole, 'via root', p.pubviaroot,
                     -- PostgreSQL 18 and later.
                     'generated columns ' || NULLIF(to_jsonb(p) ->> 'pubgencols', 'n')) AS definition
      FROM pg_publication p
  `,
];

/** The same from PostgreSQL 15 on. */
export const publicationEntriesSince15: readonly Sql[] = [
  sql`
    SELECT format('table %s in publication %I', r.prrelid::regclass, p.pubname) AS object,
           concat_ws(' ', 'columns (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                                            FROM pg_attribute a
                                           WHERE a.attrelid = r.prrelid
                                             AND a.attnum = ANY (r.prattrs)) || ')',
                     'where ' || pg_get_expr(r.prqual, r.prrelid)) AS definition
      FROM pg_publication_rel r
      JOIN pg_publication p ON p.oid = r.prpubid
     WHERE r.prattrs IS NOT NULL
        OR r.prqual IS NOT NULL
  `,
  sql`
    SELECT format('tables in schema %s in publication %I', r.pnnspid::regnamespace, p.pubname) AS object,
           'all' AS definition
      FROM pg_publication_namespace r
      JOIN pg_publication p ON p.oid = r.pnpubid
  `,
];
