import fc from "fast-check";
import { expect, test } from "vitest";
import { undoChange } from "../../src/application/undo.ts";

const before = ["one", "two", "three", "four", "five", "six", "seven", ""].join("\n");
const after = ["one", "two", "TWO AND A HALF", "three", "four", "FIVE", "six", "seven", ""].join(
  "\n",
);
const change = { file: "src/x.ts", before, after };

test("a file that nobody touched since is as it was", () => {
  expect(undoChange(change, after)).toEqual({ kind: "undone", text: before });
});

test("what was changed elsewhere in the file since stays", () => {
  const now = after.replace("one\n", "one\nmine\n").replace("seven\n", "7\n");
  expect(undoChange(change, now)).toEqual({
    kind: "undone",
    text: before.replace("one\n", "one\nmine\n").replace("seven\n", "7\n"),
  });
});

test("lines that both changed are shown with their place, and nothing is undone", () => {
  const now = after.replace("FIVE\n", "FIVE, and mine\n");
  expect(undoChange(change, now)).toEqual({
    kind: "edited",
    lines: [{ file: "src/x.ts", line: 6, now: ["FIVE, and mine\n"], before: ["five\n"] }],
  });
});

test("lines that somebody has put back already are no conflict", () => {
  const now = after.replace("FIVE\n", "five\n");
  expect(undoChange(change, now)).toEqual({ kind: "undone", text: before });
});

test("a line that stands there many times is taken out where the step put it", () => {
  const query = "  .eq('organization_id', id)\n";
  const one = "a()\nb()\nc()\nd()\n";
  const changed = { file: "q.ts", before: one, after: `a()\n${query}b()\nc()\nd()\n` };
  const now = `a()\n${query}b()\nc()\n${query}d()\n`;
  expect(undoChange(changed, now)).toEqual({
    kind: "undone",
    text: `a()\nb()\nc()\n${query}d()\n`,
  });
});

test("a file that the step made goes, unless somebody wrote in it", () => {
  const made = { file: "src/new.ts", before: null, after: "new\n" };
  expect(undoChange(made, "new\n")).toEqual({ kind: "undone", text: null });
  expect(undoChange(made, null)).toEqual({ kind: "undone", text: null });
  expect(undoChange(made, "new\nmine\n").kind).toBe("edited");
});

test("a file that somebody has removed since is not made again unasked", () => {
  expect(undoChange(change, null).kind).toBe("edited");
});

const line = fc.constantFrom("a", "b", "c", "", "\r", "\uFEFFd", "}");
const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));

test("undoing a change gives the text from before, byte for byte, whatever it was", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const undone = undoChange({ file: "x", before: one, after: other }, other);
      expect(undone).toEqual({ kind: "undone", text: one });
    }),
  );
});

test("lines that are added at a file's start and end since are kept by every undoing that is sure", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const undone = undoChange(
        { file: "x", before: `${one}\n`, after: `${other}\n` },
        `// first\n${other}\n// last\n`,
      );
      if (undone.kind === "edited") return;
      expect(undone.text).toBe(`// first\n${one}\n// last\n`);
    }),
  );
});
