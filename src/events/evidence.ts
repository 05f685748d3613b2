import { z } from "zod";

/** What shows that something got through. It holds no data of any row. */
export const evidenceSchema = z
  .object({
    /** Which of the violations it shows. */
    violation: z.string(),
    /** Who asked, and the settings of their session. */
    as: z.string(),
    /** For psql. */
    statement: z.string(),
    /** What came back. */
    answer: z.string(),
    /** As SQL names it. */
    object: z.string(),
    /** The SQL that fixes it, as far as the catalog shows it. */
    fix: z.array(z.string()).readonly(),
  })
  .readonly();

export type Evidence = z.output<typeof evidenceSchema>;
