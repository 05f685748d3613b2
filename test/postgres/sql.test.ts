import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  functionBody,
  ident,
  list,
  literal,
  type SqlValue,
  sql,
  textOf,
  toQuery,
  toScript,
} from "../../src/postgres/sql.ts";
import { anyName } from "../config/names.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase("sql");
});

afterAll(() => database.drop());

const hostile = fc.constantFrom(
  "'",
  "''",
  '"',
  "\\",
  "\\'",
  "$1",
  "$$",
  "\n",
  "\r\n",
  ";--",
  "/*",
  "表",
  "😀",
);

/** Any text that PostgreSQL takes: a lone surrogate is no character, and NUL ends strings. */
const anyText = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.oneof(hostile, fc.string({ minLength: 1, maxLength: 1 })) }),
  )
  .filter((text) => !text.includes("\0") && !/\p{Surrogate}/u.test(text));

const anyValue: fc.Arbitrary<SqlValue> = fc.oneof(
  anyText,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(null),
  fc.array(anyText),
);

describe("a name", () => {
  test("of any characters is a column's name on the server, and comes back as it was", async () => {
    await fc.assert(
      fc.asyncProperty(anyName, async (name) => {
        const [row] = await database.session.rows(
          sql`
            SELECT t.${ident(name)} AS value, jsonb_object_keys(to_jsonb(t.*)) AS name
              FROM (SELECT 'here') AS t (${ident(name)})
          `,
          z.object({ value: z.string(), name: z.string() }),
        );
        expect(row).toEqual({ value: "here", name });
      }),
      { numRuns: 300 },
    );
  });

  test("of any characters is a table's name, which the server's catalog stores as it was", async () => {
    await fc.assert(
      fc.asyncProperty(anyName, anyName, async (schema, name) => {
        // The server keeps names that begin with pg_ for itself.
        fc.pre(!schema.startsWith("pg_") && !["public", "information_schema"].includes(schema));
        const rollback = new Error("enough");
        const stored = database.session.transaction(async (queries) => {
          await queries.execute(sql`CREATE SCHEMA ${ident(schema)}`);
          await queries.execute(sql`CREATE TABLE ${ident({ schema, name })} ()`);
          const rows = await queries.rows(
            sql`
              SELECT nspname::text AS schema, relname::text AS name
                FROM pg_class c
                JOIN pg_namespace n ON n.oid = relnamespace
               WHERE c.oid = to_regclass(${textOf(ident({ schema, name }))})
            `,
            z.object({ schema: z.string(), name: z.string() }),
          );
          expect(rows).toEqual([{ schema, name }]);
          throw rollback;
        });
        await expect(stored).rejects.toBe(rollback);
      }),
      { numRuns: 100 },
    );
  });

  test.each(["", "a\0b", "t".repeat(64), "表".repeat(22)])(
    "that PostgreSQL would refuse, or cut, is refused: %j",
    (name) => {
      expect(() => ident(name)).toThrow(TypeError);
      expect(() => ident({ schema: "public", name })).toThrow(TypeError);
      expect(() => ident({ schema: name, name: "t" })).toThrow(TypeError);
    },
  );
});

describe("a value", () => {
  test.each(["on", "off"])(
    "written into the text is the same as one that is sent beside it, with standard_conforming_strings %s",
    async (setting) => {
      await database.session.set("standard_conforming_strings", setting);
      await database.session.set("escape_string_warning", "off");
      await fc.assert(
        fc.asyncProperty(anyText, async (text) => {
          const [row] = await database.session.rows(
            sql`SELECT ${literal(text)} = ${text}::text AS same, ${literal(text)} AS text`,
            z.object({ same: z.boolean(), text: z.string() }),
          );
          expect(row).toEqual({ same: true, text });
        }),
        { numRuns: 300 },
      );
      await database.session.set("standard_conforming_strings", "on");
    },
  );

  test("in a script says the same to the server as in a query", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyValue, { minLength: 1, maxLength: 6 }), async (values) => {
        const typed = values.map((value) => sql`to_jsonb(${value}::${literalType(value)})`);
        const statement = sql`SELECT jsonb_build_array(${list(typed)})::text AS text`;
        const row = z.object({ text: z.string() });
        const query = await database.session.rows(statement, row);
        const script = await database.session.rows(
          { parts: [toScript(statement)], values: [] },
          row,
        );
        expect(script).toEqual(query);
      }),
      { numRuns: 300 },
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, "a\0b"])(
    "that PostgreSQL does not have is refused: %j",
    (value) => {
      expect(() => literal(value)).toThrow(TypeError);
    },
  );

  test("that is undefined is refused", () => {
    const nothing: string[] = [];
    expect(() => sql`SELECT ${nothing[0] as string}`).toThrow(TypeError);
  });
});

function literalType(value: SqlValue): ReturnType<typeof sql> {
  if (Array.isArray(value)) return sql`text[]`;
  switch (typeof value) {
    case "boolean":
      return sql`boolean`;
    case "number":
      return sql`float8`;
    default:
      return sql`text`;
  }
}

test("placeholders are numbered in the order of their values, however deep they were put in", () => {
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1 }), anyText, (values, last) => {
      const inner = list(values.map((value) => sql`(${value})`));
      const { text, values: sent } = toQuery(sql`VALUES ${inner}, (${last})`);
      expect(sent).toEqual([...values, last]);
      expect(text.match(/\$\d+/g)).toEqual(sent.map((_value, index) => `$${index + 1}`));
    }),
  );
});

test("what is put into SQL keeps its own lines and spaces", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const whole = toScript(sql`
        SELECT 1,
          ${literal(text)}
      `);
      expect(whole).toBe(`SELECT 1,\n  ${toScript(literal(text))}`);
    }),
  );
});

test("a function's body may hold any text, dollar quotes too", async () => {
  const tag = fc.constantFrom("$function$", "$function_$", "$$", "$", "function", "_", "'");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(tag, anyText), { maxLength: 5 }), async (pieces) => {
      const body = pieces.join("");
      const [row] = await database.session.rows(
        sql`SELECT ${functionBody(sql`${literal(body)}`)} AS text`,
        z.object({ text: z.string() }),
      );
      expect(row?.text.trim()).toBe(toScript(literal(body)).slice(0, -1).trim());
    }),
    { numRuns: 200 },
  );
});
