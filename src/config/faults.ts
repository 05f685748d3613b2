import { AppError } from "../errors.ts";
import type { Fault } from "./settings.ts";

/** One error for all faults of the configuration. */
export function invalidConfiguration(origin: string, faults: readonly Fault[]): AppError {
  return new AppError({
    code: "CONFIG_INVALID",
    object: origin,
    fault: `${faults.length} ${faults.length === 1 ? "fault" : "faults"} in the configuration`,
    state: "nothing was changed",
    next: "fix the configuration and run the same command again",
    details: faults.map(({ path, fault, fix }) => `${path}: ${fault} → ${fix}`),
  });
}
