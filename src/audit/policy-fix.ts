import { type Sql, sql } from "../postgres/sql.ts";

/**
 * The fix of a policy `p` of pg_policy that must call the helper instead. A restrictive one is not dropped: that
 * would open the table.
 */
export const callHelperInstead: Sql = sql`
  CASE WHEN p.polpermissive
       THEN format('DROP POLICY %I ON %s; -- and call the helper instead', p.polname, p.polrelid::regclass)
       ELSE format('-- ALTER POLICY %I ON %s, to call the helper instead: it is restrictive, and dropping it would open the table', p.polname, p.polrelid::regclass)
   END
`;
