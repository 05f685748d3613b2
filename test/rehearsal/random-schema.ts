import fc from "fast-check";

type Reference = { readonly to: number; readonly nullable: boolean };
type Table = {
  readonly rows: number;
  readonly composite: boolean;
  readonly references: readonly Reference[];
};

export type RandomSchema = {
  readonly tables: readonly string[];
  readonly rows: readonly string[];
  readonly keys: readonly string[];
};

/** A few small tables that refer to each other and to themselves in any way, and rows that fit. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .integer({ min: 1, max: 5 })
  .chain((count) =>
    fc.array(
      fc.record({
        rows: fc.integer({ min: 0, max: 60 }),
        composite: fc.boolean(),
        references: fc.array(
          fc.record({ to: fc.nat({ max: count - 1 }), nullable: fc.boolean() }),
          { maxLength: 3 },
        ),
      }),
      { minLength: count, maxLength: count },
    ),
  )
  .map(statementsOf);

function statementsOf(tables: readonly Table[]): RandomSchema {
  const counts = rowCounts(tables);
  return {
    tables: tables.map((table, index) => {
      const columns = table.references.flatMap((reference, place) =>
        columnsOf(tables, reference, place).map(
          (name) => `${name} int ${reference.nullable ? "" : "NOT NULL"}`,
        ),
      );
      const key = table.composite ? "id, part" : "id";
      return `CREATE TABLE random.t${index} (${["id int", "part int", ...columns, `PRIMARY KEY (${key})`].join(", ")})`;
    }),
    rows: tables.map((table, index) => {
      const values = table.references.flatMap((reference, place) =>
        valuesOf(tables, reference, place, counts[reference.to] ?? 0),
      );
      return `INSERT INTO random.t${index} SELECT ${["n", "n % 3", ...values].join(", ")} FROM generate_series(1, ${counts[index]}) AS n`;
    }),
    keys: tables.flatMap((table, index) =>
      table.references.map(
        (reference, place) =>
          `ALTER TABLE random.t${index} ADD FOREIGN KEY (${columnsOf(tables, reference, place).join(", ")}) REFERENCES random.t${reference.to}`,
      ),
    ),
  };
}

/** A row that must refer to an empty table cannot be. */
function rowCounts(tables: readonly Table[]): readonly number[] {
  const counts = tables.map(({ rows }) => rows);
  const impossible = () =>
    tables.findIndex(
      ({ references }, index) =>
        counts[index] !== 0 && references.some(({ to, nullable }) => !nullable && counts[to] === 0),
    );
  for (let index = impossible(); index >= 0; index = impossible()) counts[index] = 0;
  return counts;
}

function columnsOf(tables: readonly Table[], { to }: Reference, place: number): readonly string[] {
  return tables[to]?.composite ? [`r${place}_id`, `r${place}_part`] : [`r${place}_id`];
}

function valuesOf(
  tables: readonly Table[],
  reference: Reference,
  place: number,
  parents: number,
): readonly string[] {
  const hash = `(hashint4(n * 8 + ${place}) & 65535)`;
  const parent = parents === 0 ? "NULL::int" : `1 + ${hash} % ${parents}`;
  const values = [parent, parents === 0 ? "NULL::int" : `(1 + ${hash} % ${parents}) % 3`];
  return columnsOf(tables, reference, place).map((_, index) =>
    // Either of two columns may be null alone.
    reference.nullable
      ? `CASE WHEN (n / 2) % 4 <> ${index} THEN ${values[index]} END`
      : `${values[index]}`,
  );
}
