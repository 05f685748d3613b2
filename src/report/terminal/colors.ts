import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/**
 * Colors for a stream: NO_COLOR forbids them, FORCE_COLOR demands them, else a terminal that is not
 * dumb has them. Each stream is asked for itself: one of the two is often a file.
 */
export function colorsFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Colors {
  return pc.createColors(isColored(stream, environment));
}

function isColored(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTTY === true && TERM !== "dumb";
}
