import { stages } from "../../stages/index.ts";
import { allTopics, type Topic } from "../explain/explain.ts";

export { explain, type Topic, topicKinds } from "../explain/explain.ts";

/** Everything that can be explained: stages, steps, errors, SQLSTATEs, checks and rules. */
export function readTopics(): readonly Topic[] {
  return allTopics(stages);
}
