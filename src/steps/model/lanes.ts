import { z } from "zod";

export const laneSchema = z.object({
  name: z.string(),
  /** Lanes that come to their end before this one begins; each is before it in the plan. */
  after: z.array(z.string()).readonly(),
});

/** What may run beside other things: the steps of a lane follow each other, lanes go side by side. */
export type Lane = z.output<typeof laneSchema>;

export type LaneItems<Item> = Lane & { readonly items: readonly Item[] };

/**
 * Groups what is in the order of a plan into groups that follow each other, each of lanes that may
 * go side by side. What has no lane is a group by itself: all before it has ended, and it ends
 * before what follows.
 */
export function groupLanes<Item>(
  items: readonly Item[],
  laneOf: (item: Item) => Lane | undefined,
): readonly (readonly LaneItems<Item>[])[] {
  const groups: LaneItems<Item>[][] = [];
  let open = new Map<string, Item[]>();
  for (const item of items) {
    const lane = laneOf(item);
    if (lane === undefined) {
      open = new Map();
      groups.push([{ name: "", after: [], items: [item] }]);
      continue;
    }
    const own = open.get(lane.name);
    if (own !== undefined) {
      own.push(item);
      continue;
    }
    if (open.size === 0) groups.push([]);
    const begun = [item];
    open.set(lane.name, begun);
    groups.at(-1)?.push({ ...lane, items: begun });
  }
  return groups;
}
