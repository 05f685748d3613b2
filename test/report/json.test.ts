import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonLine, jsonLinePieces } from "../../src/report/json.ts";

const at = new Date("2026-01-01T00:00:00Z");

test("a result that is written in pieces is the same line of JSON", () => {
  const anything = fc.object({
    maxDepth: 6,
    withDate: true,
    values: [fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)],
  });
  fc.assert(
    fc.property(anything, (result) => {
      const said = { ...result, kind: "plan" };
      expect([...jsonLinePieces(said, at)].join("")).toBe(jsonLine(said, at));
    }),
  );
});

test("no piece of a plan holds more than one of its steps", () => {
  const steps = Array.from({ length: 50 }, (_, index) => ({ id: `step ${index}`, sql: ["x"] }));
  const pieces = [
    ...jsonLinePieces({ kind: "plan", ...{ stages: [{ stage: "day1", steps }] } }, at),
  ];
  expect(Math.max(...pieces.map((piece) => piece.split('"id"').length - 1))).toBe(1);
});
