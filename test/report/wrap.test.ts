import { expect, test } from "vitest";
import { wrapped } from "../../src/report/terminal/wrap.ts";

test("lines break between words, and a command that is copied stays whole", () => {
  const text =
    "which row was whose is kept: tenantry run --stage day2 --attribution /backups/day2-attribution brings it back";
  expect(wrapped(text, 72, "  ")).toBe(
    [
      "  which row was whose is kept:",
      "  tenantry run --stage day2 --attribution /backups/day2-attribution",
      "  brings it back",
    ].join("\n"),
  );
});
