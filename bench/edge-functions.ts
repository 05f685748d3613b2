import { type ApplicationPart, chain, share } from "./queries.ts";

/** One of this many functions is a handler of two thousand lines; these have a quarter of all queries. */
const perLarge = 62;
const stepsOfPipeline = 10;
const selfCalls = 4;

/**
 * Edge functions as in real code: the client is created there, or passed as a parameter, in an object, through
 * ten functions, to recursive helpers, and in circles of functions.
 */
export function edgeFunctions({ files, chains }: ApplicationPart): Record<string, string> {
  const found: Record<string, string> = {
    "supabase/functions/_shared/client.ts": client,
    "supabase/functions/_shared/pipeline.ts": pipeline(),
  };
  const count = files - Object.keys(found).length;
  const large = Math.ceil(count / perLarge);
  const ofLarge = Math.round(chains / 4);
  const ofOthers = chains - ofLarge - stepsOfPipeline;
  for (let index = 0; index < count; index += 1) {
    const isLarge = index % perLarge === 0;
    const own = isLarge
      ? share(ofLarge, large, index / perLarge)
      : share(ofOthers, count - large, index - Math.ceil(index / perLarge));
    found[`supabase/functions/function-${index}/index.ts`] = isLarge
      ? largeFunction(index, own)
      : edgeFunction(index, own);
  }
  return found;
}

const client = `import { createClient, type SupabaseClient } from "@supabase/supabase-js";

declare const Deno: { readonly env: { get(name: string): string } };

export const admin = () => createClient(Deno.env.get("SUPABASE_URL"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
export type Client = SupabaseClient;
export type Context = { readonly client: Client; readonly organizationId: string; readonly depth: number };
`;

const head = `import { admin, type Client, type Context } from "../_shared/client.ts";
import { step0 } from "../_shared/pipeline.ts";

declare const Deno: { serve(handler: (request: Request) => Promise<Response>): void };
`;

/** All functions pass their client to it. Each step passes it to the next, alternately as a parameter and in an object. */
function pipeline(): string {
  const steps = Array.from({ length: stepsOfPipeline }, (_, step) => {
    const isPlain = step % 2 === 0;
    const own = isPlain ? "client" : "context.client";
    const next = isPlain
      ? `{ client, organizationId, depth: ${step} }`
      : "context.client, context.organizationId";
    const parameter = isPlain ? "client: Client, organizationId: string" : "context: Context";
    const known = isPlain ? "" : "  const { organizationId } = context;\n";
    const further = step + 1 < stepsOfPipeline ? `  await step${step + 1}(${next}, id);\n` : "";
    return `export async function step${step}(${parameter}, id: string) {
${known}${chain(step, own)}
${further}  return organizationId;
}
`;
  });
  return `import type { Client, Context } from "./client.ts";\n\n${steps.join("\n")}`;
}

/** A function with queries on its own client and on clients that its helpers get. */
function edgeFunction(index: number, chains: number): string {
  const of = (on: string, turn: number) =>
    Array.from({ length: chains }, (_, one) => one)
      .filter((one) => one % 4 === turn)
      .map((one) => chain(index * 5 + one, on))
      .join("\n");
  const again = Array.from(
    { length: selfCalls },
    (_, one) =>
      `  if (context.depth > ${one}) await retry({ ...context, depth: context.depth - 1 }, id);`,
  ).join("\n");
  return `${head}
async function work(client: Client, organizationId: string, id: string) {
${of("client", 0)}
  if (id.length > 100) await visit(client, organizationId, id.slice(1));
  return organizationId;
}

async function visit(client: Client, organizationId: string, id: string): Promise<string> {
${of("client", 1)}
  if (id.length > 10) await visit(client, organizationId, id.slice(1));
  return work(client, organizationId, id);
}

async function retry(context: Context, id: string): Promise<void> {
  const { organizationId } = context;
${of("context.client", 2)}
${again}
  await visit(context.client, organizationId, id);
}

async function handle(organizationId: string, id: string) {
  const supabase = admin();
${of("supabase", 3)}
  await retry({ client: supabase, organizationId, depth: ${selfCalls} }, id);
  await step0(supabase, organizationId, id);
  return work(supabase, organizationId, id);
}

Deno.serve(async (request) => new Response(await handle("mine", request.url)));
`;
}

/** One long handler with branches. */
function largeFunction(index: number, chains: number): string {
  const blocks = Array.from({ length: chains }, (_, one) => {
    const lines = Array.from(
      { length: 5 },
      (_, line) => `    notes.push(\`\${id} ${one} ${line}\`);`,
    );
    return `  if (id !== "${one}") {
${chain(index * 7 + one, "supabase").replaceAll(/^/gm, "  ")}
${lines.join("\n")}
  }`;
  });
  return `${head}
async function handle(context: Context, id: string) {
  const { client: supabase, organizationId } = context;
  const notes: string[] = [];
${blocks.join("\n")}
  return [...notes, organizationId].join();
}

Deno.serve(async (request) => {
  const client: Client = admin();
  await step0(client, "mine", request.url);
  return new Response(await handle({ client, organizationId: "mine", depth: 0 }, request.url));
});
`;
}
