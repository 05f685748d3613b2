import { type Sql, sql } from "../../../postgres/sql.ts";
import { isUserSchema } from "../../system-schemas.ts";
import { grants } from "./conditions.ts";

/** The objects of further catalogs, `class` and `oid` with a definition. Options of user mappings hold passwords, and are left out. */
const objects: Sql = sql`
  SELECT 'pg_extension'::regclass AS class, e.oid,
         'schema ' || e.extnamespace::regnamespace AS definition
    FROM pg_extension e
   UNION ALL
  SELECT 'pg_operator'::regclass, o.oid,
         concat_ws(' ', o.oprowner::regrole, o.oprcode, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash,
                   NULLIF(o.oprcom, 0)::regoperator, NULLIF(o.oprnegate, 0)::regoperator)
    FROM pg_operator o
   UNION ALL
  SELECT 'pg_opfamily'::regclass, f.oid,
         concat_ws(' ', f.opfowner::regrole,
                   (SELECT string_agg(concat_ws(' ', a.amopstrategy, a.amopopr::regoperator, a.amoppurpose), ',' ORDER BY a.amopstrategy, a.amopopr::regoperator::text)
                      FROM pg_amop a WHERE a.amopfamily = f.oid),
                   (SELECT string_agg(concat_ws(' ', a.amprocnum, a.amproc::regprocedure), ',' ORDER BY a.amprocnum, a.amproc::regprocedure::text)
                      FROM pg_amproc a WHERE a.amprocfamily = f.oid))
    FROM pg_opfamily f
   UNION ALL
  SELECT 'pg_opclass'::regclass, o.oid,
         concat_ws(' ', o.opcowner::regrole, format_type(o.opcintype, NULL), o.opcdefault, NULLIF(o.opckeytype, 0)::regtype)
    FROM pg_opclass o
   UNION ALL
  SELECT 'pg_cast'::regclass, c.oid,
         concat_ws(' ', NULLIF(c.castfunc, 0)::regprocedure, c.castcontext, c.castmethod)
    FROM pg_cast c
   UNION ALL
  SELECT 'pg_collation'::regclass, c.oid,
         -- Two of its columns have other names from PostgreSQL 17 on, or are missing before 15 and 16.
         concat_ws(' ', c.collowner::regrole, c.collprovider, c.collisdeterministic, c.collencoding, c.collcollate, c.collctype,
                   to_jsonb(c) ->> 'colliculocale', to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'collicurules')
    FROM pg_collation c
   UNION ALL
  SELECT 'pg_conversion'::regclass, c.oid,
         concat_ws(' ', c.conowner::regrole, c.conforencoding, c.contoencoding, c.conproc, c.condefault)
    FROM pg_conversion c
   UNION ALL
  SELECT 'pg_ts_parser'::regclass, t.oid,
         concat_ws(' ', t.prsstart, t.prstoken, t.prsend, t.prsheadline, t.prslextype)
    FROM pg_ts_parser t
   UNION ALL
  SELECT 'pg_ts_template'::regclass, t.oid, concat_ws(' ', t.tmplinit, t.tmpllexize)
    FROM pg_ts_template t
   UNION ALL
  SELECT 'pg_ts_dict'::regclass, t.oid,
         concat_ws(' ', t.dictowner::regrole,
                   (SELECT tmplname FROM pg_ts_template m WHERE m.oid = t.dicttemplate), t.dictinitoption)
    FROM pg_ts_dict t
   UNION ALL
  SELECT 'pg_ts_config'::regclass, t.oid,
         concat_ws(' ', t.cfgowner::regrole, (SELECT prsname FROM pg_ts_parser p WHERE p.oid = t.cfgparser),
                   (SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapdict::regdictionary), ',' ORDER BY m.maptokentype, m.mapseqno)
                      FROM pg_ts_config_map m WHERE m.mapcfg = t.oid))
    FROM pg_ts_config t
   UNION ALL
  SELECT 'pg_language'::regclass, l.oid,
         concat_ws(' ', l.lanowner::regrole, l.lanpltrusted, NULLIF(l.lanplcallfoid, 0)::regprocedure,
                   NULLIF(l.laninline, 0)::regprocedure, NULLIF(l.lanvalidator, 0)::regprocedure,
                   ${grants("coalesce(l.lanacl, acldefault('l', l.lanowner))")})
    FROM pg_language l
   UNION ALL
  SELECT 'pg_am'::regclass, a.oid, concat_ws(' ', a.amtype, a.amhandler)
    FROM pg_am a
   UNION ALL
  SELECT 'pg_transform'::regclass, t.oid, concat_ws(' ', t.trffromsql, t.trftosql)
    FROM pg_transform t
   UNION ALL
  SELECT 'pg_foreign_data_wrapper'::regclass, f.oid,
         concat_ws(' ', f.fdwowner::regrole, NULLIF(f.fdwhandler, 0)::regprocedure, NULLIF(f.fdwvalidator, 0)::regprocedure,
                   f.fdwoptions, ${grants("coalesce(f.fdwacl, acldefault('F', f.fdwowner))")})
    FROM pg_foreign_data_wrapper f
   UNION ALL
  SELECT 'pg_foreign_server'::regclass, s.oid,
         concat_ws(' ', s.srvowner::regrole, (SELECT fdwname FROM pg_foreign_data_wrapper f WHERE f.oid = s.srvfdw),
                   s.srvtype, s.srvversion, s.srvoptions, ${grants("coalesce(s.srvacl, acldefault('S', s.srvowner))")})
    FROM pg_foreign_server s
   UNION ALL
  SELECT 'pg_user_mapping'::regclass, m.umid, 'exists'
    FROM pg_user_mappings m
`;

/** Objects that no stage changes, and that pg_dump prints. */
export const otherEntries: readonly Sql[] = [
  sql`
    SELECT format('%s %s', named.type, named.identity) AS object,
           coalesce(o.definition, '') AS definition
      FROM (${objects}) AS o
     CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) AS named
     -- Those before are made by initdb.
     WHERE o.oid >= 16384
       AND (named.schema IS NULL OR ${isUserSchema(sql`named.schema`)})
       AND NOT EXISTS (SELECT
                         FROM pg_depend x
                        WHERE x.classid = o.class
                          AND x.objid = o.oid
                          AND x.deptype = 'e')
  `,
  sql`
    SELECT format('settings of event trigger %I', e.evtname) AS object,
           concat_ws(' ', 'owner', e.evtowner::regrole) AS definition
      FROM pg_event_trigger e
  `,
  // ALTER … DEPENDS ON EXTENSION.
  sql`
    SELECT format('dependence of %s %s on extension %I', named.type, named.identity, e.extname) AS object,
           'exists' AS definition
      FROM pg_depend d
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
     CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS named
     WHERE d.deptype = 'x'
  `,
];
