import { closest } from "fastest-levenshtein";
import { relationKey } from "../../../src/config/relation-name.ts";
import type { Fault, Settings } from "../../../src/config/settings.ts";
import type { RelationName } from "../../../src/postgres/sql.ts";
import type { Guard, StageContext } from "../../../src/steps/model/stage.ts";
import type { Step } from "../../../src/steps/model/step.ts";

/** A setting of `hardening`. */
export type HardeningSetting = keyof Settings["hardening"];

/** One thing that can be hardened, as the configuration names it. */
export type Candidate<Target> = {
  readonly name: string;
  readonly target: Target;
  /** Why it must stay as it is, as in `reads the foreign table leads_abroad`; undefined where it can be hardened. */
  readonly whyItStays: string | undefined;
  /** What changes for the application when it is hardened, a sentence. */
  readonly note?: string | undefined;
};

/** One kind of thing that Day 3 hardens where the configuration says so. */
export type Hardening = {
  readonly steps: (context: StageContext) => readonly Step[];
  /** What is wrong with the names in the configuration. */
  readonly faults: (context: StageContext) => readonly Fault[];
  /** What stays as it is, because it must or because the configuration does not name it. */
  readonly notes: (context: StageContext) => readonly string[];
  /** What must hold before it is undone, or the rollback is refused. */
  readonly guards: (context: StageContext) => readonly Guard[];
};

/**
 * Makes a kind of hardening from how its candidates are found and what its steps are.
 * @param kind.are what they are, as in `foreign keys that span organizations`
 * @param kind.find all candidates, also those that must stay
 * @param kind.concerns the tables that one is of: a table that comes later gets its own part
 */
export function hardening<Target>(kind: {
  readonly setting: HardeningSetting;
  readonly are: string;
  readonly find: (context: StageContext) => readonly Candidate<Target>[];
  readonly concerns: (target: Target, context: StageContext) => readonly RelationName[];
  readonly steps: (wanted: readonly Target[], context: StageContext) => readonly Step[];
  readonly guards?: (wanted: readonly Target[]) => readonly Guard[];
  /** What another setting wants hardened, in addition. */
  readonly also?: (context: StageContext) => readonly string[];
}): Hardening {
  const { setting, are } = kind;
  const askedIn = (context: StageContext) => [
    ...context.settings.hardening[setting],
    ...(kind.also?.(context) ?? []),
  ];
  const find = (context: StageContext) => {
    const only = context.only?.map(relationKey);
    const found = kind.find(context);
    if (only === undefined) return found;
    return found.filter(({ target }) =>
      kind.concerns(target, context).some((one) => only.includes(relationKey(one))),
    );
  };
  const path = `hardening.${setting}`;
  const wanted = (context: StageContext) => {
    const asked = askedIn(context);
    return find(context).filter(
      ({ name, whyItStays }) =>
        whyItStays === undefined && (asked.includes("all") || asked.includes(name)),
    );
  };
  const targets = (context: StageContext) => wanted(context).map(({ target }) => target);

  return {
    steps: (context) => kind.steps(targets(context), context),
    guards: (context) => kind.guards?.(targets(context)) ?? [],
    faults(context) {
      const found = kind.find(context);
      const names = found.map(({ name }) => name);
      const asked = new Set(askedIn(context).filter((name) => name !== "all"));
      return [...asked].flatMap((name) => {
        const one = found.find((candidate) => candidate.name === name);
        if (one?.whyItStays !== undefined) {
          return [{ path, fault: `${name} ${one.whyItStays}`, fix: "take it out of the list" }];
        }
        if (one !== undefined) return [];
        const near =
          names.length === 0 ? "there are none" : `did you mean ${closest(name, names)}?`;
        return [{ path, fault: `${name} is not one of the ${are}`, fix: near }];
      });
    },
    notes(context) {
      const asked = askedIn(context);
      const left = find(context).filter(({ name, whyItStays }) =>
        asked.includes("all") ? whyItStays !== undefined : !asked.includes(name),
      );
      const reasons = left.map(({ name, whyItStays }) =>
        whyItStays === undefined ? name : `${name} (${whyItStays})`,
      );
      return [
        ...(left.length === 0 ? [] : [`${are} stay as they are (${path}): ${reasons.join(", ")}`]),
        ...wanted(context).flatMap(({ note }) => note ?? []),
      ];
    },
  };
}
