import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatRelationName,
  nameSchema,
  parseRelationName,
  relationKey,
} from "../../src/config/relation-name.ts";
import { anyName } from "./names.ts";

const anyRelation = fc.record({ schema: anyName, name: anyName });

test("any name that PostgreSQL takes is read back as it was written", () => {
  fc.assert(
    fc.property(anyRelation, fc.option(anyName), (relation, other) => {
      const schema = other ?? relation.schema;
      expect(parseRelationName(formatRelationName(relation, schema), schema)).toEqual(relation);
    }),
    { numRuns: 2000 },
  );
});

test("two tables are never written the same", () => {
  fc.assert(
    fc.property(anyRelation, anyRelation, anyName, (one, other, schema) => {
      const same = one.schema === other.schema && one.name === other.name;
      expect(formatRelationName(one, schema) === formatRelationName(other, schema)).toBe(same);
      expect(relationKey(one) === relationKey(other)).toBe(same);
    }),
    { numRuns: 1000 },
  );
});

test("whatever is written, it is a name that PostgreSQL takes or no name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const relation = parseRelationName(text, "public");
      if (relation === undefined) return;
      expect(nameSchema.safeParse(relation.schema).success).toBe(true);
      expect(nameSchema.safeParse(relation.name).success).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["leads", { schema: "public", name: "leads" }],
  ["Leads and more", { schema: "public", name: "Leads and more" }],
  ["crm.leads", { schema: "crm", name: "leads" }],
  ['"crm.leads"', { schema: "public", name: "crm.leads" }],
  ['crm."he said ""hi"""', { schema: "crm", name: 'he said "hi"' }],
  ['"a.b"."c.d"', { schema: "a.b", name: "c.d" }],
  ['in"side', { schema: "public", name: 'in"side' }],
])("%s is read as a person means it", (text, relation) => {
  expect(parseRelationName(text, "public")).toEqual(relation);
});

test.each([
  "",
  ".",
  "a.",
  ".a",
  "a..b",
  "a.b.c",
  '"',
  '""',
  '"a',
  '"a"b',
  "a.\0",
  "t".repeat(64),
  `${"表".repeat(21)}x`,
])("%j names no table", (text) => {
  expect(parseRelationName(text, "public")).toBeUndefined();
});
