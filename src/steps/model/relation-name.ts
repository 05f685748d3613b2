import { z } from "zod";

/** Reads the name of a relation back from the journal. */
export const relationNameSchema = z.object({ schema: z.string(), name: z.string() });
