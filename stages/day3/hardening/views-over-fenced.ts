import type { View } from "../../../src/catalog/views.ts";
import { relationKey } from "../../../src/config/relation-name.ts";
import type { RelationName } from "../../../src/postgres/sql.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import { isFenced } from "./tenant-tables.ts";

/** Views and materialized views over fenced tables, directly or through other views. */
export function viewsOverFenced(context: StageContext): View[] {
  const { views } = context.snapshot;
  const over = new Set<string>();
  const reaches = ({ reads }: View) =>
    reads.some((under) => isFenced(context, under) || over.has(relationKey(under)));
  for (let before = -1; before < over.size; ) {
    before = over.size;
    for (const view of views) if (reaches(view)) over.add(relationKey(view));
  }
  return views.filter((view) => over.has(relationKey(view)));
}

/** What a view reads, directly or through other views. */
export function relationsUnder(
  { snapshot: { views } }: StageContext,
  view: RelationName,
): readonly RelationName[] {
  const under = new Map<string, RelationName>();
  const visit = (name: RelationName): void => {
    const reads = views.find((one) => relationKey(one) === relationKey(name))?.reads ?? [];
    for (const one of reads) {
      if (under.has(relationKey(one))) continue;
      under.set(relationKey(one), one);
      visit(one);
    }
  };
  visit(view);
  return [...under.values()];
}
