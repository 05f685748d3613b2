import { z } from "zod";

/** Of what is printed with --json: a number that changes when a reader would have to. */
export const outputVersion = 1;

/** What every line of JSON begins with. */
export const envelopeSchema = z.object({ v: z.literal(outputVersion), at: z.iso.datetime() });
