import fc from "fast-check";
import { longestNameInBytes } from "../../src/postgres/sql.ts";

const awkward = fc.constantFrom(
  '"',
  '""',
  "'",
  ".",
  ";",
  "--",
  "$1",
  "$$",
  " ",
  "\n",
  "\\",
  "表",
  "😀",
);

/** Any name that PostgreSQL takes: whatever characters, 1 to 63 bytes, no NUL. */
export const anyName: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: longestNameInBytes }),
    fc.string({ unit: fc.oneof(awkward, fc.string({ minLength: 1, maxLength: 1 })), minLength: 1 }),
  )
  // A lone surrogate is no character, and has no bytes in UTF-8.
  .filter((name) => name !== "" && !name.includes("\0") && !/\p{Surrogate}/u.test(name))
  .filter((name) => Buffer.byteLength(name) <= longestNameInBytes);
