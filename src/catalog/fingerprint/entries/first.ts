import { raw, type Sql, sql } from "../../../postgres/sql.ts";
import { columnOptions, knownOptions, relationOptions } from "../known-options.ts";
import { grants, inUserSchema, notOfExtension, relation } from "./conditions.ts";

/** The entries of the first form, which every version of Tenantry has read. Their definitions never change. */
export const firstEntries: readonly Sql[] = [
  sql`
    SELECT format('schema %I', n.nspname) AS object,
           concat_ws(' ', 'owner', n.nspowner::regrole,
                     'grants', ${grants("coalesce(n.nspacl, acldefault('n', n.nspowner))")}) AS definition
      FROM pg_namespace n
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_namespace", "n.oid")}
  `,
  sql`
    SELECT 'relation ' || ${relation} AS object,
           concat_ws(' ', 'kind', c.relkind, 'owner', c.relowner::regrole,
                     'persistence', c.relpersistence,
                     'row security', c.relrowsecurity, 'forced', c.relforcerowsecurity,
                     'replica identity', c.relreplident,
                     'options', ${knownOptions(raw("c.reloptions"), relationOptions)},
                     'partition of', (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                                        FROM pg_inherits i WHERE i.inhrelid = c.oid),
                     'bound', pg_get_expr(c.relpartbound, c.oid),
                     'grants', ${grants("coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END, c.relowner))")},
                     'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) AS definition
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
       AND ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('column %s.%I', ${relation}, a.attname) AS object,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                     CASE WHEN a.attnotnull THEN 'not null' END,
                     'default ' || pg_get_expr(d.adbin, d.adrelid),
                     'identity ' || NULLIF(a.attidentity::text, ''),
                     'generated ' || NULLIF(a.attgenerated::text, ''),
                     'collation ' || NULLIF(a.attcollation, 0)::regcollation::text,
                     'storage', a.attstorage,
                     'grants ' || ${grants("a.attacl")},
                     'options ' || ${knownOptions(raw("a.attoptions"), columnOptions)},
                     'comment ' || col_description(c.oid, a.attnum)) AS definition
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attnum > 0
       AND NOT a.attisdropped
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
       AND ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('constraint %s.%I', ${relation}, k.conname) AS object,
           concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN '(not valid)' END) AS definition
      FROM pg_constraint k
      JOIN pg_class c ON c.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_class", "c.oid")}
  `,
  sql`
    SELECT format('index %I.%I', n.nspname, ic.relname) AS object,
           concat_ws(' ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN '(invalid)' END) AS definition
      FROM pg_index i
      JOIN pg_class ic ON ic.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = ic.relnamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_class", "i.indrelid")}
  `,
  sql`
    SELECT format('policy %s.%I', ${relation}, p.polname) AS object,
           concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
                     'for', p.polcmd,
                     'to', (SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE role::regrole::text END, ',' ORDER BY role::regrole::text)
                              FROM unnest(p.polroles) AS role),
                     'using', pg_get_expr(p.polqual, p.polrelid),
                     'check', pg_get_expr(p.polwithcheck, p.polrelid)) AS definition
      FROM pg_policy p
      JOIN pg_class c ON c.oid = p.polrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${inUserSchema}
  `,
  sql`
    SELECT format('trigger %s.%I', ${relation}, t.tgname) AS object,
           concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled) AS definition
      FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT t.tgisinternal
       AND ${inUserSchema}
  `,
  sql`
    SELECT format('rule %s.%I', ${relation}, r.rulename) AS object,
           pg_get_ruledef(r.oid) AS definition
      FROM pg_rewrite r
      JOIN pg_class c ON c.oid = r.ev_class
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.rulename <> '_RETURN'
       AND ${inUserSchema}
  `,
  sql`
    SELECT format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS object,
           concat_ws(' ', CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE p.prosrc END,
                     'owner', p.proowner::regrole,
                     'grants', ${grants("coalesce(p.proacl, acldefault('f', p.proowner))")}) AS definition
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE ${inUserSchema}
       AND ${notOfExtension("pg_proc", "p.oid")}
  `,
  sql`
    SELECT format('type %I.%I', n.nspname, t.typname) AS object,
           concat_ws(' ', t.typtype, 'owner', t.typowner::regrole,
                     (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                        FROM pg_enum e WHERE e.enumtypid = t.oid),
                     CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                     (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ',' ORDER BY k.conname)
                        FROM pg_constraint k WHERE k.contypid = t.oid)) AS definition
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype IN ('e', 'd', 'r')
       AND ${inUserSchema}
       AND ${notOfExtension("pg_type", "t.oid")}
  `,
  sql`
    SELECT format('publication %I', p.pubname) AS object,
           concat_ws(' ', 'all tables', p.puballtables, 'insert', p.pubinsert, 'update', p.pubupdate,
                     'delete', p.pubdelete, 'truncate', p.pubtruncate,
                     (SELECT string_agg(format('%I.%I', t.schemaname, t.tablename), ',' ORDER BY t.schemaname, t.tablename)
                        FROM pg_publication_tables t WHERE t.pubname = p.pubname)) AS definition
      FROM pg_publication p
  `,
  sql`
    SELECT format('default privileges of %s in %s for %s', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype) AS object,
           ${grants("d.defaclacl")} AS definition
      FROM pg_default_acl d
  `,
  sql`
    SELECT format('event trigger %I', e.evtname) AS object,
           concat_ws(' ', e.evtevent, e.evtfoid::regproc, e.evtenabled, e.evttags) AS definition
      FROM pg_event_trigger e
  `,
];
