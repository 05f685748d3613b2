import fc from "fast-check";

/** How a function gets its client. */
const forms = ["plain", "in an object", "taken apart"] as const;
const kinds = ["service-role", "user-key", "unknown"] as const;
const tableNames = ["leads", "campaigns", "call_logs"] as const;

type Kind = (typeof kinds)[number];
type Call = {
  readonly to: number;
  /** The named table; undefined where the function passes its own on. */
  readonly table: string | undefined;
  readonly isByVariable: boolean;
};
type Node = {
  readonly form: (typeof forms)[number];
  readonly queries: number;
  readonly calls: readonly Call[];
  /** Calls from outside, each with its own client. */
  readonly entries: readonly { readonly kind: Kind; readonly table: string }[];
};

/** Functions that pass a client and a table's name to one another, also in circles and to themselves. */
export type CallGraph = readonly Node[];

const table = fc.constantFrom(...tableNames);

export const callGraphs: fc.Arbitrary<CallGraph> = fc.integer({ min: 2, max: 9 }).chain((size) =>
  fc.array(
    fc.record({
      form: fc.constantFrom(...forms),
      queries: fc.integer({ min: 1, max: 3 }),
      calls: fc.array(
        fc.record({
          to: fc.nat({ max: size - 1 }),
          table: fc.option(table, { nil: undefined, freq: 2 }),
          isByVariable: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
      entries: fc.array(fc.record({ kind: fc.constantFrom(...kinds), table }), { maxLength: 1 }),
    }),
    { minLength: size, maxLength: size },
  ),
);

const clients: Readonly<Record<Kind, string>> = {
  "service-role": "admin",
  "user-key": "supabase",
  unknown: "strange",
};

export const clientsText = `declare const key: string;
declare function createClient(url: string, key: string): any;
export const supabase = createClient("https://x.example", key + "SUPABASE_ANON_KEY");
export const admin = createClient("https://x.example", key + "SUPABASE_SERVICE_ROLE_KEY");
export declare const strange: any;
`;

/** The text of a function and of its calls from outside; each query has its own mark. */
export function textOf(graph: CallGraph, index: number): string {
  const { form, queries, calls, entries } = graph[index] ?? missing();
  const own = form === "in an object" ? "context.db" : "db";
  const given = (to: number, client: string) =>
    graph[to]?.form === "plain" ? client : `{ db: ${client} }`;
  const parameter = {
    plain: "db: any",
    "in an object": "context: any",
    "taken apart": "{ db }: any",
  };
  const asked = Array.from(
    { length: queries },
    (_, query) => `  await ${own}.from(table).select("id").eq("id", "mark-${index}-${query}");`,
  );
  const called = calls.map(({ to, table: name, isByVariable }, at) => {
    const client = isByVariable ? `other${at}` : own;
    const before = isByVariable ? `    const other${at} = ${own};\n` : "";
    const handed = name === undefined ? "table" : `"${name}"`;
    return `  if (depth > ${at}) {\n${before}    await walk${to}(${given(to, client)}, ${handed}, depth - 1);\n  }`;
  });
  const started = entries.map(
    ({ kind, table: name }, at) =>
      `export const start${index}_${at} = () => walk${index}(${given(index, clients[kind])}, "${name}", 3);`,
  );
  return `export async function walk${index}(${parameter[form]}, table: string, depth: number): Promise<void> {
${[...asked, ...called].join("\n")}
}
${started.join("\n")}
`;
}

/** The imports that a file of some of the functions needs. */
export function importsOf(graph: CallGraph, place: (index: number) => string, own: string): string {
  const others = graph.flatMap((_, index) =>
    place(index) === own ? [] : [`import { walk${index} } from "./${place(index)}";`],
  );
  return ['import { admin, strange, supabase } from "./client";', ...others, ""].join("\n");
}

export type Expected = { readonly client: Kind; readonly tables: string };

/** The expected client and tables of each function's queries, computed from the graph alone. */
export function expectedOf(graph: CallGraph): readonly Expected[] {
  const all = graph.flatMap(({ calls }, from) => calls.map((call) => ({ from, ...call })));
  const isCalled = (index: number) =>
    all.some(({ to }) => to === index) || (graph[index]?.entries.length ?? 0) > 0;
  const clientsAt = reaching(
    graph.map(({ entries }, index) =>
      isCalled(index) ? entries.map(({ kind }) => kind) : ["unknown" as const],
    ),
    all,
  );
  const tablesAt = reaching(
    graph.map(({ entries }, index) =>
      isCalled(index)
        ? [
            ...entries.map((one) => one.table),
            ...all.flatMap((call) => (call.to === index ? (call.table ?? []) : [])),
          ]
        : ["unknown"],
    ),
    all.filter((call) => call.table === undefined),
  );
  return graph.map((_, index) => {
    const tables = tablesAt[index] ?? missing();
    const found = clientsAt[index] ?? missing();
    return {
      client: kinds.find((kind) => kind !== "user-key" && found.has(kind)) ?? "user-key",
      tables: tables.has("unknown") ? "unresolved" : [...tables].sort().join(" or "),
    };
  });
}

/** The values that reach each function from its callers; unknown for a circle without a caller outside. */
function reaching<Given extends string>(
  given: readonly (readonly Given[])[],
  calls: readonly { readonly from: number; readonly to: number }[],
): readonly ReadonlySet<Given | "unknown">[] {
  const above = given.map((_, index) => {
    const found = new Set([index]);
    for (const one of found) for (const { from, to } of calls) if (to === one) found.add(from);
    return [...found];
  });
  const direct = above.map((indexes) => new Set(indexes.flatMap((index) => given[index] ?? [])));
  return above.map(
    (indexes) =>
      new Set(
        indexes.flatMap((index): readonly (Given | "unknown")[] =>
          direct[index]?.size === 0 ? ["unknown"] : (given[index] ?? []),
        ),
      ),
  );
}

function missing(): never {
  throw new Error("the graph has no such function");
}
