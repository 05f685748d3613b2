import type { Stage } from "../src/steps/model/stage.ts";
import { day1 } from "./day1/stage.ts";
import { day2 } from "./day2/stage.ts";
import { day3 } from "./day3/stage.ts";

/** The stages, in the order in which they are run. */
export const stages: readonly Stage[] = [day1, day2, day3];
