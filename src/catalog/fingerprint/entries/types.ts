import { type Sql, sql } from "../../../postgres/sql.ts";
import { grants, inUserSchema, notOfExtension } from "./conditions.ts";

/** What pg_dump prints of types and aggregates beside their values, base types and constraints. */
export const typeEntries: readonly Sql[] = [
  sql`
    SELECT format('settings of type %I.%I', n.nspname, t.typname) AS object,
           concat_ws(' ', 'owner', t.typowner::regrole,
                     CASE WHEN t.typnotnull THEN 'not null' END,
                     'default ' || CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 'pg_type'::regclass) ELSE t.typdefault END,
                     'collation ' || CASE WHEN t.typtype = 'd' THEN NULLIF(t.typcollation, 0)::regcollation END,
                     'range of ' || (SELECT concat_ws(' ', format_type(r.rngsubtype, NULL),
                                                      NULLIF(r.rngcollation, 0)::regcollation,
                                                      (SELECT format('%I.%I', s.nspname, o.opcname)
                                                         FROM pg_opclass o
                                                         JOIN pg_namespace s ON s.oid = o.opcnamespace
                                                        WHERE o.oid = r.rngsubopc),
                                                      NULLIF(r.rngcanonical, 0)::regprocedure,
                                                      NULLIF(r.rngsubdiff, 0)::regprocedure,
                                                      NULLIF(r.rngmultitypid, 0)::regtype)
                                       FROM pg_range r
                                      WHERE r.rngtypid = t.oid),
                     'base ' || CASE
                                  WHEN t.typtype = 'b'
                                  THEN concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout,
                                                 t.typanalyze, t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory,
                                                 t.typispreferred, t.typdelim, NULLIF(t.typelem, 0)::regtype)
                                END,
                     'grants', ${grants("coalesce(t.typacl, acldefault('T', t.typowner))")}) AS definition
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typtype IN ('e', 'd', 'r', 'c', 'b')
       -- Neither the row type of a table nor an array, which have no properties of their own.
       AND coalesce(c.relkind = 'c', TRUE)
       AND NOT EXISTS (SELECT FROM pg_type element WHERE element.typarray = t.oid)
       AND ${inUserSchema}
       AND ${notOfExtension("pg_type", "t.oid")}
  `,
  sql`
    SELECT format('aggregate %s', p.oid::regprocedure) AS object,
           concat_ws(' ', g.aggkind, g.aggnumdirectargs, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn,
                     g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn, g.aggfinalextra, g.aggmfinalextra,
                     g.aggfinalmodify, g.aggmfinalmodify, NULLIF(g.aggsortop, 0)::regoperator,
                     format_type(g.aggtranstype, NULL), g.aggtransspace,
                     CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END, g.aggmtransspace,
                     'start ' || g.agginitval, 'moving start ' || g.aggminitval) AS definition
      FROM pg_aggregate g
      JOIN pg_proc p ON p.oid = g.aggfnoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_proc", "p.oid")}
  `,
];
