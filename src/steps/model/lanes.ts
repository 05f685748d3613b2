import { z } from "zod";

export const laneSchema = z.object({
  name: z.string(),
  /** Lanes that must end before this one begins; each is earlier in the plan. */
  after: z.array(z.string()).readonly(),
});

/** The steps of a lane run one after the other; different lanes may run at the same time. */
export type Lane = z.output<typeof laneSchema>;

/** A lane with its items, in their order. */
export type LaneItems<Item> = Lane & { readonly items: readonly Item[] };

/**
 * Groups items, which are in the order of a plan, by lane. The lanes of a group may run at the same
 * time; the groups run one after the other. An item without a lane is a group by itself.
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
