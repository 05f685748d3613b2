import { type Sql, sql } from "../../../postgres/sql.ts";
import { isUserSchema } from "../../system-schemas.ts";

/** The relation or the type that an object belongs to, the extension that owns it, and its schema. */
const owner: Sql = sql`
     CROSS JOIN LATERAL (SELECT CASE d.classoid
                                  WHEN 'pg_constraint'::regclass THEN (SELECT coalesce(NULLIF(k.conrelid, 0), k.contypid) FROM pg_constraint k WHERE k.oid = d.objoid)
                                  WHEN 'pg_trigger'::regclass THEN (SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = d.objoid)
                                  WHEN 'pg_policy'::regclass THEN (SELECT p.polrelid FROM pg_policy p WHERE p.oid = d.objoid)
                                  WHEN 'pg_rewrite'::regclass THEN (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = d.objoid)
                                  ELSE d.objoid
                                END AS oid) AS whole
      LEFT JOIN pg_class c ON c.oid = whole.oid AND d.classoid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_rewrite'::regclass)
      LEFT JOIN pg_type t ON t.oid = whole.oid AND d.classoid IN ('pg_type'::regclass, 'pg_constraint'::regclass)
     CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS named
     CROSS JOIN LATERAL (SELECT coalesce(named.schema,
                                         (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = coalesce(c.relnamespace, t.typnamespace)),
                                         CASE WHEN d.classoid = 'pg_namespace'::regclass THEN named.name END) AS schema) AS place
`;

/** A condition: neither the server nor an extension nor the journal made the object. */
const ofApplication: Sql = sql`
  -- The schema public is made by the server, and its comment can be the application's.
           (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass)
       AND (place.schema IS NULL OR ${isUserSchema(sql`place.schema`)})
       AND NOT EXISTS (SELECT
                         FROM pg_depend x
                        WHERE x.objid IN (d.objoid, whole.oid)
                          AND x.deptype = 'e')
`;

/** Comments and security labels of all objects. Those of columns are in the columns' own entries. */
export const commentEntries: readonly Sql[] = [
  sql`
    SELECT format('comment on %s %s', named.type, named.identity) AS object,
           d.description AS definition
      FROM pg_description d
    ${owner}
     WHERE NOT (d.classoid = 'pg_class'::regclass AND d.objsubid > 0)
       AND ${ofApplication}
  `,
  sql`
    SELECT format('security label on %s %s for %s', named.type, named.identity, d.provider) AS object,
           d.label AS definition
      FROM pg_seclabel d
    ${owner}
     WHERE ${ofApplication}
  `,
];
