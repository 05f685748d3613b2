import { type Sql, sql } from "../postgres/sql.ts";

/** The body of a function `p` of pg_proc, without comments. */
export const functionBody: Sql = sql`
  regexp_replace(regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '--[^\\n]*', '', 'g'), '/\\*.*?\\*/', '', 'g')
`;
