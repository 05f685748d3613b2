import { z } from "zod";

/** Below the application's folder, with slashes. */
const fileName = z
  .string()
  .min(1)
  .refine(
    (name) => !name.startsWith("/") && !name.split("/").includes(".."),
    "a path below the application's folder",
  );

export const fileChangeSchema = z.object({
  file: fileName,
  /** The whole text; null for a file that the change makes. */
  before: z.string().nullable(),
  after: z.string(),
});

/** What a file of the application becomes. */
export type FileChange = Readonly<z.output<typeof fileChangeSchema>>;

export const gateSchema = z.object({ name: z.string(), command: z.string() });

/** A command of the application that checks whether it works: its typecheck, its tests. */
export type Gate = Readonly<z.output<typeof gateSchema>>;

/** The application's part of Day 3: the changes to its files, and the gates before and after them. */
export type Application = {
  readonly changes: readonly FileChange[];
  readonly gates: readonly Gate[];
};
