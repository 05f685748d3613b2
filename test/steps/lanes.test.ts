import fc from "fast-check";
import { expect, test } from "vitest";
import { timeLeft } from "../../src/report/terminal/time-left.ts";
import { groupLanes, type Lane } from "../../src/steps/model/lanes.ts";

type Item = { readonly id: string; readonly lane?: Lane };

function stretches(...items: readonly Item[]): string[][] {
  return groupLanes(items, ({ lane }) => lane).map((lanes) =>
    lanes.map(({ items: own }) => own.map(({ id }) => id).join(" ")),
  );
}

const lane = (name: string, ...after: string[]): Lane => ({ name, after });

test("tables go side by side between the steps that are taken alone", () => {
  expect(
    stretches(
      { id: "helpers" },
      { id: "leads 1", lane: lane("leads") },
      { id: "leads 2", lane: lane("leads") },
      { id: "calls 1", lane: lane("calls", "leads") },
      { id: "by SQL" },
      { id: "notes 1", lane: lane("notes") },
      { id: "contract" },
    ),
  ).toEqual([["helpers"], ["leads 1 leads 2", "calls 1"], ["by SQL"], ["notes 1"], ["contract"]]);
});

test("whatever the steps, each is in one place, and what has no lane is alone", () => {
  const items = fc.array(
    fc.record({
      id: fc.uuid(),
      lane: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    }),
  );
  fc.assert(
    fc.property(items, (all) => {
      const found = groupLanes(all, (one) => (one.lane === undefined ? undefined : lane(one.lane)));
      expect(
        found
          .flat()
          .flatMap(({ items: own }) => own.map(({ id }) => id))
          .sort(),
      ).toEqual(all.map(({ id }) => id).sort());
      for (const lanes of found) {
        expect(new Set(lanes.map(({ name }) => name)).size).toBe(lanes.length);
        for (const { name, items: own } of lanes) {
          for (const one of own) expect(one.lane ?? "").toBe(name);
          if (name === "") expect([lanes.length, own.length]).toEqual([1, 1]);
        }
      }
    }),
  );
});

const takes = (milliseconds: number, own?: Lane, running = false) => ({
  ...(own === undefined ? {} : { lane: own }),
  milliseconds,
  running,
});

test("the time left is of lanes side by side, children behind their parents, and barriers alone", () => {
  const steps = [
    takes(100),
    takes(1000, lane("leads")),
    takes(500, lane("leads")),
    takes(700, lane("notes")),
    takes(300, lane("scripts")),
    takes(200, lane("calls", "leads")),
    takes(50),
  ];
  expect(timeLeft(steps, 1)).toBe(2850);
  // 100, then leads (1500) and calls (200) beside notes and scripts, then 50.
  expect(timeLeft(steps, 2)).toBe(100 + 1700 + 50);
  expect(timeLeft(steps, 9)).toBe(100 + 1700 + 50);
});

test("what is under way keeps its place: it is not put behind what comes first in the plan", () => {
  const steps = [takes(900, lane("leads")), takes(100, lane("notes"), true)];
  expect(timeLeft([...steps, takes(900, lane("scripts"), true)], 2)).toBe(1000);
});
