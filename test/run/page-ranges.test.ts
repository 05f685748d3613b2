import fc from "fast-check";
import { expect, test } from "vitest";
import { type PageRange, PageRanges } from "../../src/run/backfill/page-ranges.ts";

test("whoever fills which range when, no page is left out, none is handed out twice, and the cursor passes none that is left", () => {
  const turns = fc.array(
    fc.record({ worker: fc.nat(2), pages: fc.integer({ min: 1, max: 9 }), commits: fc.boolean() }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.nat(40), fc.nat(120), turns, (first, more, plan) => {
      const total = first + more;
      const ranges = new PageRanges(first, total);
      const held = new Map<number, PageRange>();
      const committed = new Set<number>();
      let cursor = first;
      const commit = (worker: number, range: PageRange) => {
        cursor = Math.max(cursor, ranges.cursorBehind(range));
        for (let page = range.from; page < range.to; page += 1) {
          if (committed.has(page)) throw new Error(`page ${page} was filled twice`);
          committed.add(page);
        }
        ranges.finish(range);
        held.delete(worker);
        for (let page = first; page < cursor; page += 1) {
          if (!committed.has(page)) throw new Error(`the cursor passed page ${page}`);
        }
        expect(ranges.done - first).toBe(committed.size);
      };
      for (const { worker, pages, commits } of plan) {
        const range = held.get(worker);
        if (range === undefined) {
          const taken = ranges.take(pages);
          if (taken !== undefined) held.set(worker, taken);
        } else if (commits) commit(worker, range);
      }
      for (const [worker, range] of held) commit(worker, range);
      for (let range = ranges.take(7); range !== undefined; range = ranges.take(7))
        commit(0, range);
      expect(committed.size).toBe(total - first);
      expect(cursor).toBe(total);
    }),
    { numRuns: 300 },
  );
});
