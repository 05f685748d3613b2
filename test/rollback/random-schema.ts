import fc from "fast-check";
import type { Config } from "../../src/config/schema.ts";
import { randomTable, type Table } from "./random-table.ts";
import {
  grantsOf,
  type Named,
  propertiesOf,
  quoted,
  tableOf,
  viewsOf,
} from "./table-statements.ts";

/** A schema of a company, as statements, and how it becomes multi-tenant. */
export type RandomSchema = {
  readonly statements: readonly string[];
  readonly config: Config;
};

/** Names that need quotes, and names that do not. */
const names = ["orders", "Beta Table", "select", 'größe "x"'];

const partitioned = fc.record({
  by: fc.constantFrom("RANGE", "HASH"),
  rowSecurity: fc.boolean(),
  leafSecurity: fc.boolean(),
  leafGrant: fc.boolean(),
  index: fc.boolean(),
  comment: fc.boolean(),
  root: fc.boolean(),
});

type Partitioned = typeof partitioned extends fc.Arbitrary<infer Value> ? Value : never;

const shared = [
  `DO $$
   DECLARE
     wanted text;
   BEGIN
     FOREACH wanted IN ARRAY ARRAY['random_app', 'random_reader', 'random_last'] LOOP
       BEGIN
         EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
       EXCEPTION WHEN duplicate_object OR unique_violation THEN
         NULL;
       END;
     END LOOP;
   END $$`,
  "CREATE TABLE person (id bigint PRIMARY KEY, email text NOT NULL)",
  "COMMENT ON TABLE person IS 'the users'",
  "INSERT INTO person SELECT n, 'person' || n FROM generate_series(1, 3) AS n",
  "CREATE TYPE public.mood AS ENUM ('good', 'bad')",
  "COMMENT ON TYPE public.mood IS 'how it is'",
  "REVOKE USAGE ON TYPE public.mood FROM PUBLIC",
  "CREATE DOMAIN public.percent AS integer DEFAULT 5 CONSTRAINT at_most CHECK (VALUE <= 100)",
  "COMMENT ON CONSTRAINT at_most ON DOMAIN public.percent IS 'per cent'",
  "CREATE TYPE public.pair AS (a integer, b text)",
  "CREATE TYPE public.span AS RANGE (subtype = integer)",
  "CREATE SEQUENCE public.numbers AS integer START 5 INCREMENT 3 CYCLE MAXVALUE 500",
  "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$",
  "COMMENT ON FUNCTION public.touch() IS 'touches'",
  "CREATE FUNCTION public.one() RETURNS integer LANGUAGE sql SECURITY DEFINER AS $$SELECT 1$$",
  "REVOKE EXECUTE ON FUNCTION public.one() FROM PUBLIC",
  "GRANT EXECUTE ON FUNCTION public.one() TO random_app, random_last, random_reader",
  "CREATE AGGREGATE public.total (integer) (sfunc = int4pl, stype = integer, initcond = '0')",
  "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO random_app, random_reader",
  "COMMENT ON SCHEMA public IS 'of the company'",
  "CREATE PUBLICATION everything_chosen WITH (publish = 'insert, update')",
];

/** Schemas with all that pg_dump prints of tables and what belongs to them. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .record({
    tables: fc.array(randomTable, { minLength: 2, maxLength: names.length }),
    partitioned: fc.option(partitioned, { nil: undefined, freq: 1 }),
    force: fc.boolean(),
  })
  .map(({ tables, partitioned: parts, force }) => {
    const named: Named[] = tables.map((table, index) => ({
      table,
      name: quoted(names[index] ?? `t${index}`),
      bare: names[index] ?? `t${index}`,
      parent: index === 0 ? undefined : quoted(names[index - 1] ?? ""),
    }));
    return {
      statements: [
        ...shared,
        ...named.flatMap(tableOf),
        ...named.flatMap(propertiesOf),
        ...named.flatMap(viewsOf),
        ...named.flatMap(grantsOf),
        ...(parts === undefined ? [] : partitionedOf(parts)),
        "GRANT USAGE ON SEQUENCE public.numbers TO random_app",
        "ANALYZE",
      ],
      config: configOf(named, parts !== undefined, force),
    };
  });

function partitionedOf({
  by,
  rowSecurity,
  leafSecurity,
  leafGrant,
  index,
  comment,
  root,
}: Partitioned): string[] {
  const bounds =
    by === "RANGE"
      ? ["FOR VALUES FROM (0) TO (100)", "DEFAULT"]
      : ["FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"];
  return [
    `CREATE TABLE logs (id bigint NOT NULL, said text DEFAULT 'hello', PRIMARY KEY (id)) PARTITION BY ${by} (id)`,
    ...bounds.map((bound, leaf) => `CREATE TABLE logs_${leaf} PARTITION OF logs ${bound}`),
    ...(index
      ? ["CREATE INDEX logs_said ON logs (said)", "COMMENT ON INDEX logs_said IS 'said'"]
      : []),
    ...(comment ? ["COMMENT ON TABLE logs_1 IS 'a partition'"] : []),
    ...(rowSecurity
      ? [
          "ALTER TABLE logs ENABLE ROW LEVEL SECURITY",
          "CREATE POLICY own ON logs USING (id + 0 > 0)",
        ]
      : []),
    ...(leafSecurity
      ? [
          "ALTER TABLE logs_0 ENABLE ROW LEVEL SECURITY",
          "CREATE POLICY leaf ON logs_0 USING (id + 0 > 1)",
        ]
      : []),
    ...(leafGrant ? ["GRANT SELECT ON logs_0 TO random_reader, random_app"] : []),
    ...(root
      ? ["CREATE PUBLICATION by_root FOR TABLE logs WITH (publish_via_partition_root)"]
      : []),
    "ALTER TABLE logs_0 SET (fillfactor = 70)",
    "INSERT INTO logs SELECT n * 40 FROM generate_series(1, 6) AS n",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON logs TO random_app",
  ];
}

function configOf(named: readonly Named[], withPartitions: boolean, force: boolean): Config {
  const sourceOf = ({ table }: Named): "default" | { via: string } =>
    table.parent === undefined ? "default" : { via: "parent_id" };
  // A child is not fenced before its parent.
  let day: Table["day"] = "day1";
  const days = named.map((one) => {
    if (one.table.day === "day2") day = "day2";
    return { ...one, day };
  });
  const tables = (wanted: Table["day"]) =>
    Object.fromEntries(
      days.flatMap((one) => (one.day === wanted ? [[one.bare, sourceOf(one)] as const] : [])),
    );
  return {
    identity: { kind: "setting", setting: "app.user_id" },
    users: { table: "person", owners: "record.id = 1" },
    roles: { signedIn: "random_app" },
    forceRowSecurity: force,
    day1: { tables: tables("day1") },
    day2: { tables: { ...tables("day2"), ...(withPartitions ? { logs: "default" } : {}) } },
    exemptTables: { person: "the users themselves" },
    hardening: {
      foreignKeys: ["all"],
      uniqueConstraints: ["all"],
      policies: ["all"],
      views: ["all"],
      materializedViews: ["all"],
      functions: ["all"],
      sequences: ["all"],
      defaultPrivileges: ["all"],
    },
    online: { smallTableInBytes: 0 },
  };
}
