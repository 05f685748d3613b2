import type { Mutant } from "../../audit/rule.ts";
import { rules } from "../../audit/rules/index.ts";
import { effects } from "./effects.ts";
import { functions } from "./functions.ts";
import { helpers } from "./helpers.ts";
import { identity } from "./identity.ts";
import { keys } from "./keys.ts";
import { policies } from "./policies.ts";
import { privileges } from "./privileges.ts";
import { profiles } from "./profiles.ts";
import { relations } from "./relations.ts";
import { silence } from "./silence.ts";

/** Every known way to break the fence: the rules' mutants, and others. */
export const mutants: readonly Mutant[] = [
  ...rules.flatMap((rule) => rule.mutants),
  ...policies,
  ...helpers,
  ...identity,
  ...relations,
  ...functions,
  ...keys,
  ...effects,
  ...privileges,
  ...profiles,
  ...silence,
];
