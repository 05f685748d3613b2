import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { callerOrganization } from "../../src/code/scaffold/templates/caller-organization.ts";
import { organizationStore } from "../../src/code/scaffold/templates/organization-store.ts";
import { resultSchema } from "../../src/operations/context/results.ts";
import { makeApplication } from "./application.ts";
import { corpusConfig } from "./corpus.ts";

const application = {
  "package.json": '{ "dependencies": { "react": "19.0.0", "@tanstack/react-query": "5.0.0" } }',
  "tsconfig.json":
    '{ "compilerOptions": { "strict": true, "jsx": "react-jsx", "baseUrl": ".", "paths": { "@/*": ["./src/*"] } } }',
  "src/main.tsx": `import { createRoot } from 'react-dom/client';
import { App } from './App';

createRoot(document.body).render(
  <QueryClientProvider client={queryClient}>
    <App />
  </QueryClientProvider>,
);
`,
  "src/App.tsx": "export const App = () => null;\n",
  "src/components/Other.tsx": "export const Other = () => null;\n",
  "src/client.ts": `import { createClient } from '@supabase/supabase-js';
export const supabase = createClient('https://x.example', 'SUPABASE_ANON_KEY');
`,
  "src/types.ts": `export type Database = {
  public: {
    Tables: {
      leads: {
        Row: {
          id: string
          phone: string
        }
        Insert: {
          id?: string
          phone: string
        }
        Update: {
          id?: string
          phone?: string
        }
        Relationships: []
      }
      plans: { Row: { id: string }, Insert: { id: string }, Update: { id?: string } }
    }
  }
}
`,
  "src/use-types.ts": "import type { Database } from './types';\nexport type D = Database;\n",
  "supabase/functions/router/index.ts":
    "import { createClient } from 'https://esm.sh/@supabase/supabase-js@2';\nexport const a = createClient;\n",
};

const withHook = {
  users: corpusConfig.users,
  day1: { tables: corpusConfig.day1.tables },
  day2: { tables: {} },
  code: { app: { hook: { name: "useOrganization", from: "@/contexts/OrganizationContext" } } },
};

async function scaffolded(...args: readonly string[]) {
  const project = await makeApplication(application);
  await project.configure(withHook);
  const outcome = await project.tenantry("code", "scaffold", "--json", ...args);
  const result = resultSchema.parse(JSON.parse(outcome.stdout));
  if (result.kind !== "code-scaffold") throw new Error(result.kind);
  const text = (file: string) => readFile(path.join(project.folder, file), "utf8");
  return { project, result, text };
}

test("the files that an application needs are shown first, in the project's folders and quotes", async () => {
  const { project, result } = await scaffolded();
  expect(result.written).toBe(false);
  expect(result.files).toEqual([
    { file: "src/contexts/organization-store.ts", isNew: true },
    { file: "src/contexts/OrganizationContext.tsx", isNew: true },
    { file: "src/components/OrganizationSwitcher.tsx", isNew: true },
    { file: "supabase/functions/_shared/organization.ts", isNew: true },
    { file: "src/main.tsx", isNew: false },
    { file: "src/types.ts", isNew: false },
  ]);
  expect(result.left).toEqual([expect.stringContaining("<OrganizationBoundary>")]);
  for (const line of [
    "+import { supabase } from '@/client';",
    "+import { useQueryClient } from '@tanstack/react-query';",
    "+import { OrganizationProvider } from '@/contexts/OrganizationContext';",
    "+    <OrganizationProvider><App /></OrganizationProvider>",
    "+import { createClient, type SupabaseClient } from 'https://esm.sh/@supabase/supabase-js@2';",
    "+          organization_id: string",
    "+          organization_id?: string",
  ]) {
    expect(result.diff.split("\n")).toContain(line);
  }
  const shown = await project.tenantry("code", "scaffold");
  expect(shown.stdout).toContain("6 files to write: run it again with --write");
});

test("no existing file is replaced, and a second run changes nothing", async () => {
  const { project, text } = await scaffolded("--write");
  const types = await text("src/types.ts");
  expect(types).toContain("plans: { Row: { id: string }, Insert");
  await writeFile(
    path.join(project.folder, "src/components/OrganizationSwitcher.tsx"),
    "// mine\n",
  );
  const again = await project.tenantry("code", "scaffold", "--write");
  expect(again.stdout).toContain("exists already: src/contexts/OrganizationContext.tsx");
  expect(again.stdout).toContain(
    "exists already, with other content: src/components/OrganizationSwitcher.tsx",
  );
  expect(again.stdout).toContain("0 files written");
  expect(await text("src/components/OrganizationSwitcher.tsx")).toBe("// mine\n");
  expect(await text("src/types.ts")).toBe(types);
});

test("where a file or a place cannot be determined, the output says what to do", async () => {
  const project = await makeApplication({ ...application, "src/main.tsx": "export {};\n" });
  const none = await project.tenantry("code", "scaffold");
  expect(none.stdout).toContain("left to you: the context for React: set code.app.hook");
  await project.configure({
    ...withHook,
    code: { app: { hook: { name: "useIt", from: "./it" } } },
  });
  const relative = await project.tenantry("code", "scaffold");
  expect(relative.stdout).toContain("./it matches no path of compilerOptions.paths");
  await project.configure(withHook);
  const rootless = await project.tenantry("code", "scaffold");
  expect(rootless.stdout).toContain("put <OrganizationProvider> around the application");
});

/** Loads a module as an application would. */
async function moduleOf(text: string, replaced: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-scaffold-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  let run = outputText;
  for (const [from, to] of Object.entries(replaced)) run = run.replace(from, to);
  const file = path.join(folder, "module.mjs");
  await writeFile(file, run);
  return import(pathToFileURL(file).href);
}

const names = {
  memberships: '.from("organization_users")',
  organizations: "organizations",
};

type Answer = { data: unknown; error: { message: string } | null };

/** A client whose answers, and their time, the test controls. */
function fakeClient() {
  let tell: (event: string, session: { user: { id: string } } | null) => void = () => {};
  const answers = new Map<string, () => Promise<Answer>>();
  return {
    signIn: (id: string | null) => tell("SIGNED_IN", id === null ? null : { user: { id } }),
    answer: (user: string, answer: () => Promise<Answer>) => answers.set(user, answer),
    client: {
      auth: {
        onAuthStateChange(listener: typeof tell) {
          tell = listener;
          return { data: { subscription: { unsubscribe: () => {} } } };
        },
      },
      from: () => ({
        select: () => ({ eq: (_: string, user: string) => answers.get(user)?.() }),
      }),
    },
  };
}

const membership = (id: string) => ({ role: "member", organization: { id, name: id, slug: id } });
const memberOf =
  (...ids: string[]) =>
  async () => ({ data: ids.map(membership), error: null });

async function makeStore() {
  const { createOrganizationStore } = await moduleOf(
    organizationStore({ ...names, organizations: "organizations" }),
  );
  const fake = fakeClient();
  const kept = new Map<string, string>();
  const onLeave = vi.fn();
  const store = createOrganizationStore(fake.client, {
    onLeave,
    storage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  });
  store.start();
  const ready = () => {
    const state = store.getState();
    return state.kind === "ready" ? state.current.organization.id : state.kind;
  };
  return { fake, store, onLeave, ready };
}

test("a member of one organization is in it, a member of none sees that, and a member of several chooses once", async () => {
  const { fake, store, ready } = await makeStore();
  expect(ready()).toBe("loading");
  fake.answer("one", memberOf("alpha"));
  fake.answer("none", memberOf());
  fake.answer("both", memberOf("beta", "alpha"));
  fake.signIn("one");
  await vi.waitFor(() => expect(ready()).toBe("alpha"));
  fake.signIn("none");
  await vi.waitFor(() => expect(ready()).toBe("none"));
  fake.signIn("both");
  await vi.waitFor(() => expect(ready()).toBe("choosing"));
  store.switchOrganization("beta");
  expect(ready()).toBe("beta");
  fake.signIn(null);
  expect(ready()).toBe("signed-out");
  fake.signIn("both");
  await vi.waitFor(() => expect(ready()).toBe("beta"));
  expect(() => store.switchOrganization("gamma")).toThrow("not a member");
});

test("when a user switches, signs out or signs in as another user, the caches are cleared", async () => {
  const { fake, store, onLeave, ready } = await makeStore();
  fake.answer("both", memberOf("alpha", "beta"));
  fake.answer("other", memberOf("gamma"));
  fake.signIn("both");
  await vi.waitFor(() => expect(ready()).toBe("choosing"));
  store.switchOrganization("alpha");
  expect(onLeave).toHaveBeenCalledTimes(0);
  store.switchOrganization("beta");
  expect(onLeave).toHaveBeenCalledTimes(1);
  fake.signIn("both");
  expect(onLeave).toHaveBeenCalledTimes(1);
  fake.signIn("other");
  expect(onLeave).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(ready()).toBe("gamma"));
  fake.signIn(null);
  expect(onLeave).toHaveBeenCalledTimes(3);
});

test("a late answer for an earlier user is ignored", async () => {
  const { fake, ready } = await makeStore();
  fake.answer("slow", async () => {
    await sleep(80);
    return memberOf("alpha")();
  });
  fake.answer("fast", memberOf("beta"));
  fake.signIn("slow");
  await sleep(10);
  fake.signIn("fast");
  await vi.waitFor(() => expect(ready()).toBe("beta"));
  await sleep(120);
  expect(ready()).toBe("beta");
});

test("after an error, the memberships can be loaded again", async () => {
  const { fake, store, ready } = await makeStore();
  fake.answer("one", async () => ({ data: null, error: { message: "the server is away" } }));
  fake.signIn("one");
  await vi.waitFor(() => expect(store.getState()).toMatchObject({ message: "the server is away" }));
  fake.answer("one", memberOf("alpha"));
  store.reload();
  await vi.waitFor(() => expect(ready()).toBe("alpha"));
});

/** A server that accepts one user's token, as the auth server and the API do. */
async function memberships(rows: readonly { organization_id: string; role: string }[]) {
  const server = createServer((request, response) => {
    const known = request.headers.authorization === "Bearer good";
    response.writeHead(known ? 200 : 401, { "content-type": "application/json" });
    const user = { id: "somebody" };
    response.end(JSON.stringify(request.url === "/user" ? (known ? user : null) : rows));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.close();
  });
  const { port } = z.custom<AddressInfo>().parse(server.address());
  vi.stubGlobal("Deno", { env: { get: () => `http://127.0.0.1:${port}` } });
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  // The part of supabase-js that the helper calls.
  const client = `const createClient = (url, _key, { global: { headers } }) => ({
    auth: { getUser: async () => {
      const user = await (await fetch(url + "/user", { headers })).json();
      return { data: { user }, error: user === null ? { message: "no" } : null };
    } },
    from: () => ({ select: () => ({ eq: async () => ({
      data: await (await fetch(url + "/rows", { headers })).json(), error: null }) }) }),
  });`;
  const text = callerOrganization({
    supabase: "x",
    memberships: names.memberships,
    organizations: '.from("organizations")',
    organization: "organizationId",
    caller: "callerOrganization",
  });
  return moduleOf(text, { 'import { createClient } from "x";': client });
}

const request = (headers: Readonly<Record<string, string>>) =>
  new Request("http://x.example", { headers });

test("an edge function takes the organization from the caller's own memberships, whatever the header says", async () => {
  const one = await memberships([{ organization_id: "alpha", role: "owner" }]);
  const good = { authorization: "Bearer good" };
  expect(await one.callerOrganization(request(good))).toMatchObject({
    organizationId: "alpha",
    userId: "somebody",
    role: "owner",
  });
  const refusals = [
    [{}, 401],
    [{ authorization: "Bearer forged" }, 401],
    [{ ...good, "x-organization-id": "beta" }, 403],
  ] as const;
  for (const [headers, status] of refusals) {
    const refused = await one.callerOrganization(request(headers)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(one.OrganizationRefused);
    expect(refused.toResponse().status).toBe(status);
    const answered = one.forCallers(() => new Response("never"));
    expect((await answered(request(headers))).status).toBe(status);
  }
  const greet = one.forCallers((_: Request, caller: { organizationId: string }) =>
    Response.json(caller.organizationId),
  );
  expect(await (await greet(request(good))).json()).toBe("alpha");
});

test("a browser may send the token: * alone does not allow it", async () => {
  const { forCallers } = await memberships([]);
  const preflight = new Request("http://x.example", { method: "OPTIONS" });
  const answer: Response = await forCallers(() => new Response("never"))(preflight);
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-headers")?.split(", ")).toContain(
    "authorization",
  );
});

test("a caller in several organizations names one, and it must be one of theirs", async () => {
  const both = await memberships([
    { organization_id: "alpha", role: "owner" },
    { organization_id: "beta", role: "member" },
  ]);
  const good = { authorization: "Bearer good" };
  await expect(both.callerOrganization(request(good))).rejects.toMatchObject({ status: 400 });
  const beta = await both.callerOrganization(request({ ...good, "x-organization-id": "beta" }));
  expect(beta).toMatchObject({ organizationId: "beta", role: "member" });
});

test("a job that fails for one organization is done for the others, page after page", async () => {
  const { forEachOrganization } = await memberships([]);
  const all = Array.from({ length: 1203 }, (_, index) => ({
    id: String(index).padStart(5, "0"),
    status: index === 7 ? "suspended" : null,
  }));
  const admin = {
    from: () => ({
      select: () => ({
        gt: (_: string, last: string) => ({
          order: () => ({
            limit: async (count: number) => ({
              data: all.filter(({ id }) => id > last || last.includes("-")).slice(0, count),
              error: null,
            }),
          }),
        }),
      }),
    }),
  };
  const done: string[] = [];
  const failed = await forEachOrganization(admin, async (organizationId: string) => {
    if (organizationId === "00042") throw new Error("broken");
    done.push(organizationId);
  });
  expect(done).toHaveLength(1201);
  expect(failed).toEqual([{ organizationId: "00042", error: new Error("broken") }]);
});
