import { closest } from "fastest-levenshtein";
import type { Fault, Settings } from "../../../src/config/settings.ts";
import type { Guard, StageContext } from "../../../src/steps/model/stage.ts";
import type { Step } from "../../../src/steps/model/step.ts";

export type Part = keyof Settings["hardening"];

/** One thing that can be hardened, as the configuration names it. */
export type Candidate<What> = {
  readonly name: string;
  readonly what: What;
  /** Why it has to stay as it is, as in `leads_seen reads a foreign table`. */
  readonly stays: string | undefined;
  /** What somebody should know of who has it hardened, a sentence. */
  readonly beware?: string | undefined;
};

/** One kind of thing that Day 3 hardens where the configuration says so. */
export type Hardening = {
  readonly steps: (context: StageContext) => readonly Step[];
  /** What speaks against what is named. */
  readonly faults: (context: StageContext) => readonly Fault[];
  /** What `all` has to leave as it is, and what nobody asked to be changed. */
  readonly notes: (context: StageContext) => readonly string[];
  /** What must hold before it is undone. */
  readonly guards: (context: StageContext) => readonly Guard[];
};

/**
 * Makes a kind of hardening out of what is its own.
 * @param kind.are what they are, as in `foreign keys that span organizations`
 * @param kind.find all that there are, those too that have to stay
 */
export function hardening<What>(kind: {
  readonly part: Part;
  readonly are: string;
  readonly find: (context: StageContext) => readonly Candidate<What>[];
  readonly steps: (wanted: readonly What[], context: StageContext) => readonly Step[];
  readonly guards?: (wanted: readonly What[]) => readonly Guard[];
}): Hardening {
  const { part, are, find } = kind;
  const path = `hardening.${part}`;
  const wanted = (context: StageContext) => {
    const asked = context.settings.hardening[part];
    return find(context).filter(
      ({ name, stays }) => stays === undefined && (asked.includes("all") || asked.includes(name)),
    );
  };
  const whats = (context: StageContext) => wanted(context).map(({ what }) => what);

  return {
    steps: (context) => kind.steps(whats(context), context),
    guards: (context) => kind.guards?.(whats(context)) ?? [],
    faults(context) {
      const found = find(context);
      const names = found.map(({ name }) => name);
      const asked = context.settings.hardening[part].filter((name) => name !== "all");
      return asked.flatMap((name) => {
        const one = found.find((candidate) => candidate.name === name);
        if (one?.stays !== undefined) {
          return [{ path, fault: `${name} ${one.stays}`, fix: "take it out of the list" }];
        }
        if (one !== undefined) return [];
        const near =
          names.length === 0 ? "there are none" : `did you mean ${closest(name, names)}?`;
        return [{ path, fault: `${name} is none of the ${are}`, fix: near }];
      });
    },
    notes(context) {
      const asked = context.settings.hardening[part];
      const left = find(context).filter(({ name, stays }) =>
        asked.includes("all") ? stays !== undefined : !asked.includes(name),
      );
      const reasons = left.map(({ name, stays }) =>
        stays === undefined ? name : `${name} (${stays})`,
      );
      return [
        ...(left.length === 0 ? [] : [`${are} stay as they are (${path}): ${reasons.join(", ")}`]),
        ...wanted(context).flatMap(({ beware }) => beware ?? []),
      ];
    },
  };
}
