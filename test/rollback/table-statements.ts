import type { Column, Table, Unique } from "./random-table.ts";

export type Named = {
  readonly table: Table;
  /** Its name in quotes. */
  readonly name: string;
  readonly bare: string;
  /** The table that it may refer to, in quotes. */
  readonly parent: string | undefined;
};

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const when = (condition: boolean, ...statements: readonly string[]): readonly string[] =>
  condition ? statements : [];

/** The table with its columns, keys and rows. */
export function tableOf({ table, name, parent }: Named): string[] {
  const key = parent === undefined ? undefined : table.parent;
  const columns = table.columns.map(
    ({ kind, notNull, default: withDefault }, index) =>
      `c${index} ${kind.type}${withDefault && !kind.value.includes("n") ? ` DEFAULT ${kind.value}` : ""}${notNull ? " NOT NULL" : ""}`,
  );
  const values = table.columns.map(({ kind }) => kind.value);
  const written = ["label", ...table.columns.map((_column, index) => `c${index}`)];
  return [
    `CREATE TABLE ${name} (
       id ${table.key} PRIMARY KEY,
       label text DEFAULT 'none' || ' yet',
       dropped integer,
       ${columns.join(", ")}
       ${key === undefined ? "" : `, parent_id bigint CONSTRAINT "of its parent" REFERENCES ${parent} ${key.action} ${key.deferrable}`}
       ${table.generated ? ", upper_label text GENERATED ALWAYS AS (upper(label)) STORED" : ""}
     )${table.options.length > 0 ? ` WITH (${table.options.join(", ")})` : ""}`,
    `ALTER TABLE ${name} DROP dropped`,
    `INSERT INTO ${name} (${written.join(", ")}${key === undefined ? "" : ", parent_id"})
     SELECT 'label ' || n, ${values.join(", ")}${key === undefined ? "" : `, (SELECT min(id) FROM ${parent})`}
       FROM generate_series(1, 5) AS n`,
    ...when(
      key?.comment === true,
      `COMMENT ON CONSTRAINT "of its parent" ON ${name} IS 'of ''it'''`,
    ),
  ];
}

/** Whatever belongs to the table. */
export function propertiesOf({ table, name, bare }: Named): string[] {
  const primary = quoted(`${bare}_pkey`);
  const alter = (what: string) => `ALTER TABLE ${name} ${what}`;
  const { trigger, rule, publication, check } = table;
  const replicates = table.identity === "DEFAULT" || table.identity === "INDEX";
  return [
    ...table.columns.flatMap((column, index) => columnOf(name, `c${index}`, column)),
    ...table.uniques.flatMap((unique) => uniqueOf(name, bare, unique)),
    ...when(table.keyComment, `COMMENT ON CONSTRAINT ${primary} ON ${name} IS 'the key'`),
    ...when(table.comment, `COMMENT ON TABLE ${name} IS 'a table''s'`),
    ...(check === undefined
      ? []
      : [
          alter(`ADD CONSTRAINT "a label" CHECK (label <> 'never') ${check}`),
          `COMMENT ON CONSTRAINT "a label" ON ${name} IS 'some label'`,
        ]),
    ...policiesOf(name, table.rowSecurity),
    ...(trigger === undefined
      ? []
      : [
          `CREATE TRIGGER touch BEFORE UPDATE ON ${name} FOR EACH ROW EXECUTE FUNCTION public.touch()`,
          alter(`${trigger} TRIGGER touch`),
          `COMMENT ON TRIGGER touch ON ${name} IS 'touch'`,
        ]),
    ...(rule === undefined
      ? []
      : [
          `CREATE RULE quiet AS ON DELETE TO ${name} WHERE old.id < 0 DO ALSO NOTHING`,
          alter(`${rule} RULE quiet`),
          `COMMENT ON RULE quiet ON ${name} IS 'quiet'`,
        ]),
    alter(
      `REPLICA IDENTITY ${table.identity === "INDEX" ? `USING INDEX ${primary}` : table.identity}`,
    ),
    ...when(
      table.statistics,
      `CREATE STATISTICS ${quoted(`of ${bare}`)} (ndistinct) ON label, c0 FROM ${name}`,
      `COMMENT ON STATISTICS ${quoted(`of ${bare}`)} IS 'both'`,
      `ALTER STATISTICS ${quoted(`of ${bare}`)} SET STATISTICS 321`,
    ),
    ...when(
      publication !== undefined && replicates,
      `ALTER PUBLICATION everything_chosen ADD TABLE ${name}${publication ?? ""}`,
    ),
  ];
}

function columnOf(name: string, column: string, made: Column): string[] {
  const alter = (what: string) => `ALTER TABLE ${name} ALTER ${column} ${what}`;
  return [
    ...when(made.comment, `COMMENT ON COLUMN ${name}.${column} IS 'a column'`),
    ...when(made.statistics, alter("SET STATISTICS 444")),
    ...when(made.kind.toast && made.compression, alter("SET COMPRESSION pglz")),
    ...when(
      made.kind.toast && made.storage !== undefined,
      alter(`SET STORAGE ${made.storage ?? ""}`),
    ),
    ...when(made.distinct, alter("SET (n_distinct = -0.5)")),
    ...when(
      made.grant !== undefined,
      `GRANT ${made.grant ?? ""} (${column}) ON ${name} TO random_reader`,
      `GRANT ${made.grant ?? ""} (${column}, id) ON ${name} TO random_app`,
    ),
  ];
}

function uniqueOf(
  name: string,
  bare: string,
  { as, comment, cluster, fillfactor }: Unique,
): string[] {
  const called = quoted(`${bare} ${as}`.slice(0, 40));
  const options = fillfactor ? " WITH (fillfactor = 60)" : "";
  const made = {
    constraint: `ALTER TABLE ${name} ADD CONSTRAINT ${called} UNIQUE (label, c0)${options}`,
    deferrable: `ALTER TABLE ${name} ADD CONSTRAINT ${called} UNIQUE (label) DEFERRABLE INITIALLY DEFERRED`,
    nulls: `ALTER TABLE ${name} ADD CONSTRAINT ${called} UNIQUE NULLS NOT DISTINCT (c0, label)`,
    index: `CREATE UNIQUE INDEX ${called} ON ${name} (label DESC NULLS LAST)${options}`,
    expression: `CREATE UNIQUE INDEX ${called} ON ${name} ((id + 1), lower(label) COLLATE "C")`,
    partial: `CREATE UNIQUE INDEX ${called} ON ${name} (label text_pattern_ops) WHERE label <> ''`,
    include: `CREATE UNIQUE INDEX ${called} ON ${name} (label) INCLUDE (id)`,
  }[as];
  const isConstraint = as === "constraint" || as === "deferrable" || as === "nulls";
  return [
    made,
    ...when(comment, `COMMENT ON INDEX ${called} IS 'index ${as}'`),
    ...when(
      comment && isConstraint,
      `COMMENT ON CONSTRAINT ${called} ON ${name} IS 'constraint ${as}'`,
    ),
    ...when(as === "expression", `ALTER INDEX ${called} ALTER COLUMN 1 SET STATISTICS 77`),
    ...when(cluster && as !== "partial", `ALTER TABLE ${name} CLUSTER ON ${called}`),
  ];
}

function policiesOf(name: string, wanted: Table["rowSecurity"]): string[] {
  const own = [
    `CREATE POLICY "of its own" ON ${name} FOR SELECT TO random_app, random_reader USING (id + 0 > 0)`,
    `CREATE POLICY narrow ON ${name} AS RESTRICTIVE USING (id + 0 > 0) WITH CHECK (id > -5)`,
    `COMMENT ON POLICY narrow ON ${name} IS 'narrow it''s'`,
  ];
  const on = `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`;
  const open = [
    `CREATE POLICY anybody ON ${name} USING (TRUE)`,
    `COMMENT ON POLICY anybody ON ${name} IS 'open'`,
  ];
  return {
    none: [],
    on: [on],
    forced: [on, `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`],
    policies: [...own, on],
    open: [...open, on],
    "off with policies": own,
  }[wanted];
}

/** A view and a materialized view of the table. */
export function viewsOf({ table, name, bare }: Named): string[] {
  const view = quoted(`view of ${bare}`);
  const stored = quoted(`stored ${bare}`);
  return [
    ...when(
      table.view !== undefined,
      `CREATE VIEW ${view} ${table.view ?? ""} AS SELECT * FROM ${name} WHERE id > 0`,
      `COMMENT ON VIEW ${view} IS 'a view'`,
      `COMMENT ON COLUMN ${view}.label IS 'of a view'`,
      `ALTER VIEW ${view} ALTER label SET DEFAULT 'x'`,
      `GRANT SELECT ON ${view} TO random_last, random_app`,
    ),
    ...when(
      table.materialized,
      `CREATE MATERIALIZED VIEW ${stored} AS SELECT id, label FROM ${name}`,
      `CREATE UNIQUE INDEX ${quoted(`stored index ${bare}`)} ON ${stored} (id)`,
      `GRANT SELECT ON ${stored} TO random_app, random_reader`,
      `COMMENT ON MATERIALIZED VIEW ${stored} IS 'stored'`,
    ),
  ];
}

/** Grants in any order: pg_dump prints them in the order in which they were made. */
export function grantsOf({ table, name, bare }: Named): string[] {
  return [
    ...table.grants.map((grant) => `GRANT ${grant.replace("*", name)}`),
    ...when(
      table.key === "bigserial",
      `GRANT SELECT, USAGE ON SEQUENCE ${quoted(`${bare}_id_seq`)} TO random_app, random_last`,
    ),
  ];
}
