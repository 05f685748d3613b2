import type { View } from "../../../src/catalog/views.ts";
import { relationKey } from "../../../src/config/relation-name.ts";
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
