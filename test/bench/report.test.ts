import { expect, test } from "vitest";
import { middleOf } from "../../bench/measure.ts";
import { drawBars } from "../../bench/plot.ts";
import { type Report, withSection } from "../../bench/report.ts";

const report: Report = {
  name: "stages",
  command: "npm run bench -- stages",
  machine: "a machine",
  about: "what it is.",
  head: ["", "time"],
  lines: [["one", { value: 1200, text: "1.2 s" }]],
  plots: [{ file: "time.svg", title: "Time", unit: "s", bars: [{ name: "one", value: 1.2 }] }],
};

test("a bench's section of the page is written anew, and nothing else of the page", () => {
  const page =
    "# Page\n\n<!-- stages -->\nold\n<!-- /stages -->\n\n<!-- fence -->\n<!-- /fence -->\n";
  const written = withSection(page, report);
  expect(written).toContain("| one | 1.2 s |");
  expect(written).toContain("![Time](plots/time.svg)");
  expect(written).not.toContain("old");
  expect(written).toContain("\n\n<!-- fence -->\n<!-- /fence -->\n");
  expect(withSection(written, report)).toBe(written);
  expect(() => withSection("# Page\n", report)).toThrow("no section stages");
});

test("the middle of several runs is said with the least and the most", () => {
  const seconds = (value: number) => `${value} s`;
  expect(middleOf([3, 1, 2], seconds)).toEqual({ value: 2, text: "2 s (1 s to 3 s)" });
  expect(middleOf([2, 2], seconds)).toEqual({ value: 2, text: "2 s" });
  expect(middleOf([undefined], seconds)).toBe("");
});

test("a plot has a background of its own, its unit, and a bar for each", () => {
  const svg = drawBars({
    title: "Waits",
    unit: "ms",
    bars: [
      { name: "the plan's SQL", value: 4300 },
      { name: "Tenantry", value: 0.06 },
    ],
  });
  expect(svg).toMatch(/^<svg /);
  for (const said of ["#ffffff", "Waits (ms, logarithmic)", "4,300 ms", "0.06 ms", "Tenantry"]) {
    expect(svg).toContain(said);
  }
});
