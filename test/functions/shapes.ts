/** What is known of a function from its body: `open` reaches others' rows as far as it shows. */
export type Shape = {
  readonly name: string;
  /** Statements that make it; the function is `shape` in some form unless named. */
  readonly made: readonly string[];
  /** The signature that is judged; null where requests must not reach it. */
  readonly of: string | null;
  readonly is?: "open" | "closed";
  readonly reads?: string;
  readonly writes?: string;
  readonly asks?: string;
  readonly unknown?: RegExp;
  readonly through?: RegExp;
  /** The arguments that a check would restrict: `0 organization`, `0 leads.id`. */
  readonly checks?: readonly string[] | "none";
};

const definer = "SECURITY DEFINER SET search_path = pg_catalog, public";
const plpgsql = (body: string) => `LANGUAGE plpgsql ${definer} AS $f$ BEGIN ${body} END $f$`;
const sqlBody = (body: string) => `LANGUAGE sql ${definer} AS $f$ ${body} $f$`;
const hidden = "CREATE SCHEMA hidden";
const counts = `CREATE FUNCTION hidden.counted() RETURNS bigint ${sqlBody("SELECT count(*) FROM leads")}`;
const countsOf = (type: string, returns = type) =>
  `CREATE FUNCTION hidden.counted(x ${type}) RETURNS ${returns} LANGUAGE plpgsql ${definer} AS $f$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM leads; RETURN x; END $f$`;

const direct: readonly Shape[] = [
  {
    name: "all rows, in SQL",
    made: [`CREATE FUNCTION shape() RETURNS SETOF leads ${sqlBody("SELECT * FROM leads")}`],
    of: "public.shape()",
    is: "open",
    reads: "leads",
    checks: "none",
  },
  {
    name: "an organization from its caller, in PL/pgSQL",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS bigint ${plpgsql("RETURN (SELECT count(*) FROM leads WHERE organization_id = org);")}`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    reads: "leads",
    checks: ["0 organization"],
  },
  {
    name: "a key from its caller, with a cast and an alias",
    made: [
      `CREATE FUNCTION shape(k text) RETURNS text ${sqlBody("SELECT l.phone FROM leads AS l WHERE l.id = $1::bigint")}`,
    ],
    of: "public.shape(text)",
    is: "open",
    checks: ["0 leads.id"],
  },
  {
    name: "the key of a parent, and a join",
    made: [
      `CREATE FUNCTION shape(lead bigint) RETURNS SETOF text ${sqlBody("SELECT c.said FROM calls c JOIN leads l ON l.id = c.lead_id WHERE c.lead_id = lead")}`,
    ],
    of: "public.shape(bigint)",
    is: "open",
    reads: "calls, leads",
    checks: ["0 leads.id"],
  },
  {
    name: "a condition of an outer join restricts the optional side only",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads l LEFT JOIN calls c ON c.lead_id = l.id AND l.organization_id = org")}`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    checks: "none",
  },
  {
    name: "an alternative restricts nothing",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads WHERE organization_id = org OR org IS NULL")}`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    checks: "none",
  },
  {
    name: "one restricted query beside one that is not",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads WHERE organization_id = org UNION ALL SELECT count(*) FROM leads")}`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    checks: "none",
  },
  {
    name: "writes by an argument, BEGIN ATOMIC",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS void LANGUAGE sql ${definer} BEGIN ATOMIC UPDATE leads SET phone = 'x' WHERE leads.organization_id = shape.org; DELETE FROM calls WHERE organization_id = org; END`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    writes: "calls, leads",
    checks: ["0 organization"],
  },
  {
    name: "a procedure",
    made: [
      `CREATE PROCEDURE shape() ${plpgsql("DELETE FROM calls; COMMIT;").replace(definer, "SECURITY DEFINER")}`,
    ],
    of: "public.shape()",
    is: "open",
    writes: "calls",
  },
  {
    name: "dynamic SQL",
    made: [
      `CREATE FUNCTION shape(t text) RETURNS bigint ${plpgsql("EXECUTE format('DELETE FROM %I', t); RETURN 1;")}`,
    ],
    of: "public.shape(text)",
    is: "open",
    unknown: /dynamic SQL/,
    checks: "none",
  },
  {
    name: "a text that a built-in function runs",
    made: [
      `CREATE FUNCTION shape(t text) RETURNS xml ${sqlBody("SELECT query_to_xml(t, true, true, '')")}`,
    ],
    of: "public.shape(text)",
    is: "open",
    unknown: /dynamic SQL/,
  },
  {
    name: "nested: an invoker function below",
    made: [
      "CREATE FUNCTION inner_one() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.notes'",
      `CREATE FUNCTION shape() RETURNS bigint ${plpgsql("RETURN inner_one();")}`,
    ],
    of: "public.shape()",
    is: "open",
    reads: "notes",
    checks: "none",
  },
  {
    name: "through a view that reads as its owner",
    made: [
      "CREATE VIEW hidden_leads AS SELECT phone FROM leads",
      `CREATE FUNCTION shape() RETURNS bigint ${sqlBody("SELECT count(*) FROM hidden_leads")}`,
    ],
    of: "public.shape()",
    is: "open",
    reads: "hidden_leads",
  },
  {
    name: "an overload, quoted names, VARIADIC, DEFAULT and OUT",
    made: [
      `CREATE FUNCTION "A Shape"(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      `CREATE FUNCTION "A Shape"("an org" uuid DEFAULT NULL, OUT n bigint, VARIADIC further text[] DEFAULT '{}') ${sqlBody(`SELECT count(*) FROM leads WHERE organization_id = "an org"`)}`,
    ],
    of: `public."A Shape"(uuid,text[])`,
    is: "open",
    checks: ["0 organization"],
  },
  {
    name: "RETURNS TABLE",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS TABLE (lead bigint, said text) ${plpgsql("RETURN QUERY SELECT c.lead_id, c.said FROM calls c WHERE c.organization_id = org;")}`,
    ],
    of: "public.shape(uuid)",
    is: "open",
    checks: ["0 organization"],
  },
  {
    name: "an insert for an organization that its caller names",
    made: [
      `CREATE FUNCTION shape(org uuid, b text) RETURNS void ${sqlBody("INSERT INTO notes (organization_id, body) VALUES (org, b)")}`,
    ],
    of: "public.shape(uuid,text)",
    is: "open",
    writes: "notes",
    checks: ["0 organization"],
  },
  {
    name: "an upsert that takes over another's row",
    made: [
      `CREATE FUNCTION shape(i bigint) RETURNS void ${sqlBody("INSERT INTO notes (id, body) VALUES (i, 'x') ON CONFLICT (id) DO UPDATE SET body = 'x'")}`,
    ],
    of: "public.shape(bigint)",
    is: "open",
    checks: "none",
  },
  {
    name: "a row that is given to another organization",
    made: [
      `CREATE FUNCTION shape(i bigint) RETURNS void ${sqlBody("UPDATE notes SET organization_id = gen_random_uuid() WHERE id = i")}`,
    ],
    of: "public.shape(bigint)",
    is: "open",
    checks: "none",
  },
  {
    name: "writes a shared table",
    made: [
      `CREATE FUNCTION shape() RETURNS void ${sqlBody("INSERT INTO countries VALUES ('XX', 'x')")}`,
    ],
    of: "public.shape()",
    is: "open",
    writes: "countries",
  },
  {
    name: "reads a table that requests cannot: the users",
    made: [`CREATE FUNCTION shape() RETURNS SETOF text ${sqlBody("SELECT email FROM auth.users")}`],
    of: "public.shape()",
    is: "open",
    reads: "users",
  },
  {
    name: "SET role in an invoker function",
    made: [
      "CREATE FUNCTION shape() RETURNS bigint LANGUAGE sql SET role = service_role AS 'SELECT count(*) FROM leads'",
    ],
    of: "public.shape()",
    is: "open",
  },
  {
    name: "set_config of a claim in an invoker function",
    made: [
      `CREATE FUNCTION shape(u text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN PERFORM set_config('request.jwt.claims', u, false); END $f$`,
    ],
    of: "public.shape(text)",
    is: "open",
  },
];

const right: readonly Shape[] = [
  {
    name: "reads nothing",
    made: [`CREATE FUNCTION shape(a int) RETURNS int ${sqlBody("SELECT a + 1")}`],
    of: "public.shape(integer)",
    is: "closed",
  },
  {
    name: "reads shared tables only",
    made: [
      `CREATE FUNCTION shape() RETURNS bigint ${plpgsql("RETURN (SELECT count(*) FROM countries);")}`,
    ],
    of: "public.shape()",
    is: "closed",
    reads: "countries",
  },
  {
    name: "the caller's organizations, as the policies write it",
    made: [
      `CREATE FUNCTION shape() RETURNS bigint ${sqlBody("SELECT count(*) FROM leads WHERE organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations()))")}`,
    ],
    of: "public.shape()",
    is: "closed",
    asks: "tenancy.caller_organizations()",
  },
  {
    name: "the caller's memberships, joined",
    made: [
      `CREATE FUNCTION shape() RETURNS SETOF text ${plpgsql("RETURN QUERY SELECT l.phone FROM leads l JOIN organization_users m USING (organization_id) WHERE m.user_id = (SELECT auth.uid());")}`,
    ],
    of: "public.shape()",
    is: "closed",
    asks: "auth.uid()",
  },
  {
    name: "EXISTS a membership",
    made: [
      `CREATE FUNCTION shape() RETURNS bigint ${sqlBody("SELECT count(*) FROM calls c WHERE EXISTS (SELECT FROM organization_users m WHERE m.organization_id = c.organization_id AND m.user_id = auth.uid())")}`,
    ],
    of: "public.shape()",
    is: "closed",
  },
  {
    name: "IN the organizations of the memberships, and children of such rows",
    made: [
      `CREATE FUNCTION shape() RETURNS bigint ${sqlBody("SELECT count(*) FROM calls JOIN leads l ON l.id = calls.lead_id WHERE l.organization_id IN (SELECT organization_id FROM organization_users WHERE user_id = auth.uid())")}`,
    ],
    of: "public.shape()",
    is: "closed",
  },
  {
    name: "inserts a row without an organization, which becomes the caller's",
    made: [
      `CREATE FUNCTION shape(b text) RETURNS void ${sqlBody("INSERT INTO notes (body) VALUES (b)")}`,
    ],
    of: "public.shape(text)",
    is: "closed",
    writes: "notes",
  },
  {
    name: "is it a member: asks for the caller's own memberships only",
    made: [
      `CREATE FUNCTION shape(org uuid) RETURNS boolean ${sqlBody("SELECT EXISTS (SELECT 1 FROM organization_users WHERE user_id = auth.uid() AND organization_id = org)")}`,
    ],
    of: "public.shape(uuid)",
    is: "closed",
  },
  {
    name: "a trigger that counts in the row's parent",
    made: [
      `CREATE FUNCTION shape() RETURNS trigger ${plpgsql("UPDATE leads SET secret = 'x' WHERE id = NEW.lead_id; RETURN NULL;")}`,
      "CREATE TRIGGER shape AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION shape()",
    ],
    of: "public.shape()",
    is: "closed",
  },
];

const unreachable: readonly Shape[] = [
  { name: "no USAGE, and nothing uses it", made: [hidden, counts], of: null },
  {
    name: "no EXECUTE, though a default uses it",
    made: [
      hidden,
      counts,
      "REVOKE EXECUTE ON FUNCTION hidden.counted() FROM PUBLIC",
      "ALTER TABLE notes ADD COLUMN shape bigint DEFAULT hidden.counted()",
    ],
    of: null,
  },
  {
    name: "the policy of a table that requests cannot reach",
    made: [
      hidden,
      counts,
      "CREATE TABLE hidden.shape (id int)",
      "CREATE POLICY p ON hidden.shape USING (hidden.counted() > 0)",
    ],
    of: null,
  },
];

const through: readonly Shape[] = [
  [
    "a column's default",
    ["ALTER TABLE notes ADD COLUMN shape bigint DEFAULT hidden.counted()"],
    /default/,
  ],
  ["a policy", ["CREATE POLICY p ON notes FOR SELECT USING (hidden.counted() > 0)"], /policy/],
  [
    "a view",
    ["CREATE VIEW shape AS SELECT hidden.counted()", "GRANT SELECT ON shape TO authenticated"],
    /view/,
  ],
  [
    "a rule",
    [
      "CREATE VIEW shape AS SELECT 1 AS a",
      "CREATE RULE r AS ON INSERT TO shape DO INSTEAD SELECT hidden.counted()",
      "GRANT INSERT ON shape TO authenticated",
    ],
    /rule/,
  ],
]
  .map(
    ([name, made, way]) => ({ name, made, way }) as { name: string; made: string[]; way: RegExp },
  )
  .map(
    ({ name, made, way }): Shape => ({
      name: `through ${name}`,
      made: [hidden, counts, ...made],
      of: "hidden.counted()",
      is: "open",
      reads: "leads",
      through: way,
    }),
  );

const throughValues: readonly Shape[] = [
  {
    name: "through a generated column",
    made: [
      hidden,
      `${countsOf("text")} IMMUTABLE`,
      "ALTER TABLE notes ADD COLUMN shape text GENERATED ALWAYS AS (hidden.counted(body)) STORED",
    ],
    of: "hidden.counted(text)",
    is: "open",
    through: /generated column shape/,
  },
  {
    name: "through a CHECK constraint",
    made: [
      hidden,
      countsOf("text", "text"),
      "ALTER TABLE notes ADD CONSTRAINT shape CHECK (hidden.counted(body) IS NOT NULL)",
    ],
    of: "hidden.counted(text)",
    is: "open",
    through: /constraint shape/,
  },
  {
    name: "through an index expression",
    made: [
      hidden,
      `${countsOf("text")} IMMUTABLE`,
      "CREATE INDEX shape ON notes (hidden.counted(body))",
    ],
    of: "hidden.counted(text)",
    is: "open",
    through: /index .*shape/,
  },
  {
    name: "through a domain",
    made: [
      hidden,
      countsOf("text"),
      "CREATE DOMAIN shape AS text CHECK (hidden.counted(VALUE) <> 'x')",
    ],
    of: "hidden.counted(text)",
    is: "open",
    through: /constraint .*shape/,
  },
  {
    name: "through an operator",
    made: [
      hidden,
      `CREATE FUNCTION hidden.counted(a text, b text) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads")}`,
      "CREATE OPERATOR public.@@@ (FUNCTION = hidden.counted, LEFTARG = text, RIGHTARG = text)",
    ],
    of: "hidden.counted(text,text)",
    is: "open",
    through: /operator .*@@@/,
  },
  {
    name: "through an aggregate, without EXECUTE",
    made: [
      hidden,
      `CREATE FUNCTION hidden.counted(a bigint, b int) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads")}`,
      "REVOKE EXECUTE ON FUNCTION hidden.counted(bigint, int) FROM PUBLIC",
      "CREATE AGGREGATE public.shape(int) (SFUNC = hidden.counted, STYPE = bigint)",
    ],
    of: "hidden.counted(bigint,integer)",
    is: "open",
    through: /shape\(integer\)/,
  },
  {
    name: "through a cast",
    made: [
      hidden,
      "CREATE TYPE public.shape AS ENUM ('a')",
      `CREATE FUNCTION hidden.counted(a public.shape) RETURNS bigint ${sqlBody("SELECT count(*) FROM leads")}`,
      "CREATE CAST (public.shape AS bigint) WITH FUNCTION hidden.counted(public.shape)",
    ],
    of: "hidden.counted(public.shape)",
    is: "open",
    through: /cast/,
  },
  {
    name: "through an INSTEAD OF trigger, without EXECUTE",
    made: [
      hidden,
      `CREATE FUNCTION hidden.counted() RETURNS trigger ${plpgsql("DELETE FROM leads; RETURN NULL;")}`,
      "REVOKE EXECUTE ON FUNCTION hidden.counted() FROM PUBLIC",
      "CREATE VIEW shape AS SELECT 1 AS a",
      "CREATE TRIGGER t INSTEAD OF INSERT ON shape FOR EACH ROW EXECUTE FUNCTION hidden.counted()",
      "GRANT INSERT ON shape TO authenticated",
    ],
    of: "hidden.counted()",
    is: "open",
    writes: "leads",
    through: /trigger t/,
  },
  {
    name: "through the body of an invoker function",
    made: [
      hidden,
      counts,
      "GRANT USAGE ON SCHEMA hidden TO authenticated",
      "CREATE FUNCTION shape() RETURNS bigint LANGUAGE plpgsql AS $f$ BEGIN RETURN hidden.counted(); END $f$",
    ],
    of: "hidden.counted()",
    is: "open",
  },
];

export const shapes: readonly Shape[] = [
  ...direct,
  ...right,
  ...unreachable,
  ...through,
  ...throughValues,
];
