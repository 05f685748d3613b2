import { mkdir } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { smallCompany } from "../setup/small-company.ts";
import { filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

const nowhere = { DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" };

const json = JSON.stringify(smallCompany);

const broken: readonly (readonly [file: string, why: string, text: string])[] = [
  ["json", "is empty", ""],
  ["json", "is cut off", json.slice(0, -1)],
  ["json", "has a comma too many", '{"users": {},}'],
  ["json", "has comments", `// ours\n${json}`],
  ["json", "is YAML", "users:\n  table: person\n"],
  ["json", "holds null", "null"],
  ["json", "holds a list", "[]"],
  ["json", "holds a text", '"users"'],
  ["json", "holds a number", "42"],
  ["json", "is no UTF-8", "\ufffd\u0000\u0001"],
  ["yaml", "is empty", ""],
  ["yaml", "has an open bracket", "users: [1"],
  ["yaml", "is indented by tabs", "users:\n\ttable: person\n"],
  ["yaml", "says a key twice", "users: {}\nusers: {}\n"],
  ["yaml", "is several documents", "users: {}\n---\nusers: {}\n"],
  ["yaml", "names an anchor that is none", "users: *nobody\n"],
  ["yaml", "holds a text", "users\n"],
  ["yaml", "has a tag that is unknown", "users: !!js/function 'function () {}'\n"],
  [
    "yaml",
    "grows without end",
    `a: &a [x, x, x, x, x, x, x, x, x]\n${["a", "b", "c", "d", "e", "f", "g"]
      .map((name, index, all) => {
        const next = all[index + 1] ?? "z";
        return `${next}: &${next} [${Array(9).fill(`*${name}`).join(", ")}]`;
      })
      .join("\n")}\n`,
  ],
  ["yml", "has a quote that is open", 'users: "person\n'],
  ["ts", "is empty", ""],
  ["ts", "is cut off", "export default {"],
  ["ts", "has a type that is wrong in its syntax", "const a: = 3;\nexport default a;"],
  ["ts", "exports nothing by default", `export const config = ${json};`],
  ["ts", "exports a function", `export default () => (${json});`],
  ["ts", "throws", "throw new Error('on purpose');"],
  ["ts", "throws what is no error", "throw { nothing: 'to see' };"],
  ["ts", "throws nothing at all", "throw undefined;"],
  [
    "ts",
    "waits for what fails",
    "await Promise.reject(new Error('on purpose'));\nexport default {};",
  ],
  ["ts", "imports what is not installed", 'import "not-installed-anywhere";\nexport default {};'],
  [
    "ts",
    "imports a file that is not there",
    'import { a } from "./nowhere.ts";\nexport default a;',
  ],
  [
    "ts",
    "imports itself",
    'import config from "./tenantry.config.ts";\nexport default { ...config };',
  ],
  ["mts", "has two defaults", "export default {};\nexport default {};"],
  ["js", "asks for a module of Node that is none", 'import "node:nothing";\nexport default {};'],
  ["mjs", "uses what is not defined", "export default undefinedName;"],
  ["mjs", "reads a property of undefined", "const a = undefined;\nexport default a.b;"],
];

test.each(broken)("tenantry.config.%s that %s is refused", async (extension, _why, text) => {
  const name = `tenantry.config.${extension}`;
  const folder = await folderWith({ [name]: text });
  const before = await filesIn(folder);
  const refusal = refusalOf(await tenantryIn(folder, nowhere, ["run", "--yes"]));
  expect(refusal).toMatchObject({ code: "CONFIG_INVALID", object: path.join(folder, name) });
  // What runs the program is nobody's business who writes a configuration.
  expect(refusal.fault).not.toMatch(/Require stack|node_modules|src\/config|undefined$/);
  expect(await filesIn(folder)).toEqual(before);
});

test.each(["tenantry.config.ts", "tenantry.config.json", "tenantry.config.yaml"])(
  "a folder of the name %s is no configuration",
  async (name) => {
    const folder = await folderWith({});
    await mkdir(path.join(folder, name));
    const refusal = refusalOf(await tenantryIn(folder, nowhere, ["run", "--yes"]));
    expect(refusal.code).toBe("CONFIG_NOT_FOUND");
  },
);

test("a file of a name that is no configuration's is not taken for one", async () => {
  const folder = await folderWith({ "tenantry.config.toml": "", "tenantry.json": json });
  expect(refusalOf(await tenantryIn(folder, nowhere, ["status"])).code).toBe("CONFIG_NOT_FOUND");
});

test("wherever a JSON or YAML file is cut off, it is refused or says another thing that is whole", async () => {
  const written = [
    ["tenantry.config.json", json],
    ["tenantry.config.yaml", stringify(smallCompany)],
  ] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...written),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      async ([name, text], share) => {
        const folder = await folderWith({ [name]: text.slice(0, Math.floor(text.length * share)) });
        const refusal = refusalOf(await tenantryIn(folder, nowhere, ["run", "--yes"]));
        // YAML may end anywhere: what is left of it can be a configuration.
        expect(refusal.code).toMatch(
          name.endsWith("json") ? /^CONFIG_INVALID$/ : /^(CONFIG_INVALID|CONNECTION_FAILED)$/,
        );
      },
    ),
    { numRuns: 100 },
  );
});
