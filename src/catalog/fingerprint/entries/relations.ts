import { raw, type Sql, sql } from "../../../postgres/sql.ts";
import { knownOptions, relationOptions } from "../known-options.ts";
import { inUserSchema, notOfExtension, relation } from "./conditions.ts";

/**
 * What pg_dump prints of relations, columns and indexes beside their definitions. An object has such an
 * entry only where something of it is not PostgreSQL's default.
 */
export const relationEntries: readonly Sql[] = [
  sql`
    SELECT 'settings of relation ' || ${relation} AS object,
           detail.definition
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_tablespace place ON place.oid = c.reltablespace
      LEFT JOIN pg_am method ON method.oid = c.relam AND method.amname <> 'heap'
      LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
      LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
      LEFT JOIN pg_foreign_server server ON server.oid = f.ftserver
     CROSS JOIN LATERAL (SELECT concat_ws(' ', 'tablespace ' || quote_ident(place.spcname),
                                          'method ' || quote_ident(method.amname),
                                          'partitioned by ' || CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                                          'of type ' || NULLIF(c.reloftype, 0)::regtype,
                                          'server ' || quote_ident(server.srvname),
                                          'server options ' || f.ftoptions::text,
                                          'toast options ' || ${knownOptions(raw("toast.reloptions"), relationOptions)}) AS definition) AS detail
     WHERE c.relkind IN ('r', 'p', 'm', 'f')
       AND detail.definition <> ''
       AND ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('settings of column %s.%I', ${relation}, a.attname) AS object,
           detail.definition
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT concat_ws(' ', 'statistics ' || CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
                                          'compression ' || NULLIF(a.attcompression::text, ''),
                                          CASE WHEN a.attinhcount > 0 AND a.attislocal THEN 'inherited and its own' END,
                                          'server options ' || a.attfdwoptions::text) AS definition) AS detail
     WHERE a.attnum > 0
       AND NOT a.attisdropped
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
       AND detail.definition <> ''
       AND ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('settings of index %I.%I', n.nspname, c.relname) AS object,
           detail.definition
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_tablespace place ON place.oid = c.reltablespace
     CROSS JOIN LATERAL (SELECT concat_ws(' ', CASE WHEN i.indisclustered THEN 'used by CLUSTER' END,
                                          CASE WHEN i.indisreplident THEN 'used as replica identity' END,
                                          'tablespace ' || quote_ident(place.spcname),
                                          'statistics ' || (SELECT string_agg(format('%s of column %s', a.attstattarget, a.attnum), ', ' ORDER BY a.attnum)
                                                              FROM pg_attribute a
                                                             WHERE a.attrelid = i.indexrelid
                                                               AND a.attstattarget >= 0),
                                          'attached to ' || (SELECT p.inhparent::regclass
                                                               FROM pg_inherits p
                                                              WHERE p.inhrelid = i.indexrelid)) AS definition) AS detail
     WHERE detail.definition <> ''
       AND ${inUserSchema}
       AND ${notOfExtension("pg_class", "i.indrelid")}
  `,
  sql`
    SELECT format('settings of rule %s.%I', ${relation}, r.rulename) AS object,
           concat('enabled ', r.ev_enabled) AS definition
      FROM pg_rewrite r
      JOIN pg_class c ON c.oid = r.ev_class
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.ev_enabled <> 'O'
       AND ${inUserSchema}
  `,
  sql`
    SELECT 'sequence ' || ${relation} AS object,
           concat_ws(' ', 'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
                     'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
                     'owned by ' || (SELECT format('%s.%I', d.refobjid::regclass, a.attname)
                                       FROM pg_depend d
                                       JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                                      WHERE d.classid = 'pg_class'::regclass
                                        AND d.objid = c.oid
                                        AND d.refclassid = 'pg_class'::regclass
                                        AND d.deptype IN ('a', 'i'))) AS definition
      FROM pg_sequence s
      JOIN pg_class c ON c.oid = s.seqrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('extended statistics %I.%I', n.nspname, s.stxname) AS object,
           concat_ws(' ', pg_get_statisticsobjdef(s.oid), 'owner', s.stxowner::regrole,
                     -- NULL from PostgreSQL 17 on where it is not set, -1 before.
                     'statistics ' || NULLIF(s.stxstattarget, -1)) AS definition
      FROM pg_statistic_ext s
      JOIN pg_namespace n ON n.oid = s.stxnamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_statistic_ext", "s.oid")}
  `,
];
