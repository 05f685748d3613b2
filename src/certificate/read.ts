import { z } from "zod";
import { AppError, messageOf } from "../errors.ts";
import { type Certificate, certificateFormat, certificateSchema } from "./certificate.ts";

/** A certificate, and its content as it stands in the file: that is what is signed. */
export type ReadCertificate = { readonly certificate: Certificate; readonly content: unknown };

/** Only what tells whether the rest can be read. */
const formatSchema = z.object({ content: z.object({ format: z.int() }) });

/** The text of a certificate's file. */
export function writtenCertificate(certificate: Certificate): string {
  return `${JSON.stringify(certificate, undefined, 2)}\n`;
}

/**
 * Reads a certificate.
 * @param file its name, for the error
 * @throws AppError CERTIFICATE_UNREADABLE
 */
export function readCertificate(file: string, text: string): ReadCertificate {
  const value = parsed(file, text);
  const { success, data } = formatSchema.safeParse(value);
  if (success && data.content.format !== certificateFormat) {
    throw unreadable(
      file,
      `has the format ${data.content.format}; this version of Tenantry reads the format ${certificateFormat}`,
    );
  }
  const read = certificateSchema.safeParse(value);
  if (!read.success) {
    throw unreadable(file, "is not a certificate of Tenantry", z.prettifyError(read.error));
  }
  // A name that stands twice would show a reader something else than it says.
  if (JSON.stringify(value) !== withoutWhiteSpace(text)) {
    throw unreadable(file, "was edited: a name stands in it twice, or in another notation");
  }
  return {
    certificate: read.data,
    content: z.object({ content: z.unknown() }).parse(value).content,
  };
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(file, "is not JSON", messageOf(error));
  }
}

function withoutWhiteSpace(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}

function unreadable(file: string, fault: string, details?: string): AppError {
  return new AppError({
    code: "CERTIFICATE_UNREADABLE",
    object: file,
    fault,
    state: "nothing was changed",
    next: "name a file that tenantry verify --certificate wrote",
    ...(details === undefined ? {} : { details: details.split("\n") }),
  });
}
