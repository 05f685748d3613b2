import { AppError } from "../errors.ts";
import type { Fault } from "./settings.ts";

/** The error for faults that are found in the configuration, all of them at once. */
export function invalidConfiguration(origin: string, faults: readonly Fault[]): AppError {
  return new AppError({
    code: "CONFIG_INVALID",
    object: origin,
    fault: `${faults.length} ${faults.length === 1 ? "fault" : "faults"} in the configuration`,
    state: "nothing was changed",
    next: "fix the configuration and run the same command again",
    details: faults.map(({ path: place, fault, fix }) => `${place}: ${fault} → ${fix}`),
  });
}
