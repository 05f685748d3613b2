import { asInFingerprint, compareFenceStates, type FenceChange } from "../catalog/fence/compare.ts";
import type { FenceState } from "../catalog/fence/state.ts";
import {
  compareFingerprints,
  type Fingerprint,
  type FingerprintDifference,
} from "../catalog/fingerprint/fingerprint.ts";
import { printedPlainly } from "../catalog/fingerprint/printed-anew.ts";
import { digestOf } from "./canonical.ts";
import type { Content } from "./certificate.ts";

/** The schema and the fence as a certificate holds them. */
export type Standing = Pick<Content, "schema" | "fence">;

/** Names and digests of a schema and a fence: no default value and no body of a function can be read in it. */
export function standingIn(fingerprint: Fingerprint, { scope, entries }: FenceState): Standing {
  const objects = fingerprint.entries.map(({ object, definition }) => ({
    object,
    digest: digestOf(printedPlainly(definition)),
  }));
  const fence = entries.map(({ kind, object, of, attributes }) => ({
    kind,
    object,
    // The server may return these in any order.
    of: of.toSorted(),
    attributes: attributes
      .map(({ name, value }) => ({ name, value: inDigest(value) }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
  }));
  return {
    schema: { digest: digestOf(objects), objects },
    fence: { digest: digestOf(fence), scope, entries: fence },
  };
}

/** A word that the comparison and its reader can use; else a digest. */
function inDigest(value: string): string {
  return ["on", "off", "yes", "no"].includes(value) ? value : digestOf(printedPlainly(value));
}

/** What changed of the fence, and of the rest of the schema. */
export type StandingDifference = { readonly object: string; readonly fact: string };

/** The differences between two standings, by object: of the fence first. */
export function compareStandings(
  before: Standing,
  after: Standing,
): { readonly fence: StandingDifference[]; readonly schema: StandingDifference[] } {
  const fence = compareFenceStates(asState(before), asState(after)).map((change) => ({
    object: change.object,
    fact: factOf(change),
  }));
  const told = new Set(fence.map(({ object }) => asInFingerprint(object)));
  const schema = compareFingerprints(asFingerprint(before), asFingerprint(after))
    .filter(({ object }) => !told.has(object))
    .map(({ kind, object }) => ({ object, fact: wordsOf[kind] }));
  return { fence, schema };
}

const wordsOf: Readonly<Record<FingerprintDifference["kind"], string>> = {
  missing: "is no longer there",
  added: "is new",
  changed: "was changed",
};

function factOf({ attribute, before, after }: FenceChange): string {
  if (attribute === null) return after === null ? "is no longer there" : "is new";
  if (before === null) return `${attribute}: is new`;
  if (after === null) return `${attribute}: is no longer there`;
  const isWord = [before, after].every((value) => !/^[0-9a-f]{64}$/.test(value));
  return isWord ? `${attribute}: ${before} → ${after}` : `${attribute}: was changed`;
}

function asState({ fence: { scope, entries } }: Standing): FenceState {
  return {
    scope,
    entries: entries.map(({ attributes, ...entry }) => ({
      ...entry,
      create: null,
      drop: null,
      attributes: attributes.map((one) => ({ ...one, restore: null, remove: null })),
    })),
  };
}

function asFingerprint({ schema: { digest, objects } }: Standing): Fingerprint {
  return {
    digest,
    entries: objects.map((one) => ({ object: one.object, definition: one.digest })),
  };
}
