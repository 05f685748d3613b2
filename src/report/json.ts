import { outputVersion } from "../events/envelope.ts";

/** Something that happened, or a result, as one line of JSON. */
export function jsonLine(said: { readonly kind: string }, at = new Date()): string {
  return `${JSON.stringify({ v: outputVersion, at: at.toISOString(), ...said })}\n`;
}

/** The same in pieces, to be written one after the other: the plan of a thousand tables has 15 MB. */
export function* jsonLinePieces(
  said: { readonly kind: string },
  at = new Date(),
): Generator<string, void> {
  yield* piecesOf({ v: outputVersion, at: at.toISOString(), ...said }, "", levels);
  yield "\n";
}

/** A step in the list of them in a stage in the list of those in a plan is one piece. */
const levels = 4;

/** What JSON.stringify writes of a value that it can write, down to so many levels. */
function* piecesOf(value: unknown, before: string, deep: number): Generator<string, void> {
  if (deep === 0 || typeof value !== "object" || value === null || "toJSON" in value) {
    yield `${before}${JSON.stringify(value)}`;
    return;
  }
  if (Array.isArray(value)) {
    yield `${before}[`;
    // In a list, what JSON cannot write is null.
    for (const [at, item] of value.entries())
      yield* piecesOf(isSaid(item) ? item : null, at === 0 ? "" : ",", deep - 1);
    yield "]";
    return;
  }
  yield `${before}{`;
  for (const [at, [key, item]] of Object.entries(value)
    .filter(([, own]) => isSaid(own))
    .entries())
    yield* piecesOf(item, `${at === 0 ? "" : ","}${JSON.stringify(key)}:`, deep - 1);
  yield "}";
}

function isSaid(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}
