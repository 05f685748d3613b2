import ts from "typescript";
import { expect, test } from "vitest";
import { files, textOf } from "./product-files.ts";

type Measured = { readonly place: string; readonly lines: number; readonly parameters: number };

/** Every function of the product, with its length; a file's template is a text and not a function. */
function functionsOf(file: string): Measured[] {
  const text = textOf(file);
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: Measured[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      const first = lineOf(node.getStart());
      const place = `${file}:${first + 1}`;
      const lines = lineOf(node.end) - first + 1;
      found.push({ place, lines, parameters: node.parameters.length });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const functions = files
  .filter((file) => !file.includes("/templates/"))
  .flatMap((file) => functionsOf(file));

test("no function has more than 70 lines", () => {
  expect(functions.length).toBeGreaterThan(1_500);
  expect(functions.filter(({ lines }) => lines > 70)).toEqual([]);
});

test("no function takes more than four parameters", () => {
  expect(functions.filter(({ parameters }) => parameters > 4)).toEqual([]);
});
