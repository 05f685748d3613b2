import { today } from "../config/accepted.ts";
import type { Settings } from "../config/settings.ts";
import type { CheckResult } from "../events/verification.ts";

/** The rule under which the configuration accepts what could not be tried. */
const notProven = "not-proven";

/** Marks what could not be tried and is accepted: by the object's name, with which its sentence begins. */
export function accept(
  { audit }: Settings,
  results: readonly CheckResult[],
): readonly CheckResult[] {
  const valid = audit.accepted.filter(({ rule, until }) => rule === notProven && until >= today());
  return results.map((result) => {
    if (result.unproven === undefined) return result;
    const unproven = result.unproven.map((one) => {
      const found = valid.find(({ object }) => isAbout(one.what, object));
      if (found === undefined) return one;
      return { ...one, accepted: { reason: found.reason, until: found.until } };
    });
    return { ...result, unproven };
  });
}

/** Whether a sentence is about an object: `public.leads was not …` and `public.leads: …` are about public.leads. */
function isAbout(what: string, object: string): boolean {
  return what.startsWith(object) && /^[:\s]/.test(what.slice(object.length));
}
