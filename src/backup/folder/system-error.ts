import { z } from "zod";

/** An error of the operating system, as Node throws it. */
export const systemErrorSchema = z.object({ code: z.string(), syscall: z.string() });

/** The operating system's code of an error, such as ENOENT; undefined for other errors. */
export function systemCode(error: unknown): string | undefined {
  return systemErrorSchema.safeParse(error).data?.code;
}

/** Reads something that may not exist. @returns undefined if it does not */
export async function unlessMissing<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
