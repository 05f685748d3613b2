import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { canonicalJson } from "../../src/certificate/canonical.ts";
import type { Certificate } from "../../src/certificate/certificate.ts";
import { differencesInItself, otherVersions } from "../../src/certificate/check.ts";
import { readCertificate, writtenCertificate } from "../../src/certificate/read.ts";
import { faultsOfSignature } from "../../src/certificate/sign.ts";
import type { Config } from "../../src/config/schema.ts";
import { AppError } from "../../src/errors.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { certifyStage } from "../../src/operations/certificate.ts";
import { openWorkspace } from "../../src/operations/context/open-workspace.ts";
import { raw } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";

const [supabase] = smallCompanies;
if (supabase === undefined) throw new Error("there is no company on Supabase");
const company = supabase;

const config: Config = {
  ...company.config,
  hardening: { ...company.config.hardening, defaultPrivileges: ["all"] },
};

/** Values that only rows, defaults and bodies have. */
const canary = "Quetzalcoatl";

const signing = generateKeyPairSync("ed25519");
const another = generateKeyPairSync("ed25519");

/** A project with the keys; the database is another one for each project only where it is named. */
async function projectOf(url: string): Promise<Project> {
  const project = await makeProject(url, config);
  const write = (name: string, text: string | Buffer) =>
    writeFile(path.join(project.folder, name), text);
  await write("key.pem", signing.privateKey.export({ format: "pem", type: "pkcs8" }));
  await write("public.pem", signing.publicKey.export({ format: "pem", type: "spki" }));
  await write("other.pem", another.publicKey.export({ format: "pem", type: "spki" }));
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  await write("curve.pem", curve.export({ format: "pem", type: "pkcs8" }));
  return project;
}

let fenced: TestDatabase;
/** Of the whole fence, signed, as it was written. */
let signed: string;
let unsigned: string;

const run = (...statements: readonly string[]) =>
  statements.reduce(
    (before, statement) => before.then(() => fenced.session.execute(raw(statement)).then(() => {})),
    Promise.resolve(),
  );

beforeAll(async () => {
  fenced = await makeDatabase("certificate");
  for (const statement of company.statements) await fenced.session.execute(statement);
  await run(
    `UPDATE public.leads SET phone = '${canary} ' || phone, secret = '${canary}'`,
    `UPDATE public.notes SET body = '${canary} ' || body`,
    `INSERT INTO public.countries VALUES ('QZ', '${canary}')`,
    `UPDATE auth.users SET email = '${canary}.' || email WHERE email LIKE 'user6%'`,
    `ALTER TABLE public.notes ALTER COLUMN body SET DEFAULT '${canary}'`,
    `CREATE FUNCTION public.body() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '${canary}' $$`,
    `COMMENT ON COLUMN public.notes.body IS '${canary}'`,
  );
});
afterAll(() => fenced.drop());

/** `tenantry certificate check` of a text, in a folder of its own. */
async function check(text: string, ...args: readonly string[]) {
  const project = await projectOf(fenced.url);
  await writeFile(path.join(project.folder, "day3.json"), text);
  const outcome = await project.tenantry("certificate", "check", "day3.json", ...args);
  return { ...outcome, said: `${outcome.stdout}\n${outcome.stderr}` };
}

test("a certificate is written, signed or not, and holds while the schema and the fence stay", async () => {
  const project = await projectOf(fenced.url);
  expect(await project.tenantry("run", "--yes", "--quiet")).toMatchObject({ code: 0 });
  const written = await project.tenantry(
    ...["verify", "--quiet", "--certificate", "day3.json", "--sign-with", "key.pem"],
  );
  expect(written, written.stderr).toMatchObject({ code: 0 });
  expect(written.stdout).toMatch(
    /day3: (\d+) of \1 claims hold\n?certificate: day3.json \(signed by the key with SHA-256 [0-9a-f]{64}\)/,
  );
  signed = await readFile(path.join(project.folder, "day3.json"), "utf8");
  const plain = await project.tenantry(
    "--stage",
    "day3",
    "--verify",
    "--certificate",
    "plain.json",
  );
  expect(plain.stdout).toMatch(/certificate: plain.json \(not signed\)/);
  unsigned = await readFile(path.join(project.folder, "plain.json"), "utf8");

  const { content } = readCertificate("day3.json", signed).certificate;
  expect(content).toMatchObject({ format: 1, stage: "day3", holds: true });
  expect(content.counts.hold).toBe(content.claims.length);
  expect(content.triedBy).toMatchObject({ login: "authenticator", identity: "supabase" });
  expect(content.triedBy.requests).toEqual(["anon", "authenticated"]);
  expect(content.triedBy.personas.length).toBeGreaterThan(3);
  expect(content.tenantry.rules).toBeGreaterThan(40);
  expect(content.tenantry.mutants).toBeGreaterThan(100);
  expect(content.claims.filter(({ trial }) => trial !== null).length).toBeGreaterThan(10);

  expect(await check(unsigned)).toMatchObject({ code: 0 });
  // An auditor has no configuration.
  const auditor = await projectOf(fenced.url);
  await writeFile(path.join(auditor.folder, "tenantry.config.json"), "{");
  await writeFile(path.join(auditor.folder, "day3.json"), signed);
  const whole = await auditor.tenantry("certificate", "check", "day3.json", "--key", "public.pem");
  expect(whole, whole.stderr).toMatchObject({ code: 0 });
  expect(whole.stdout).toMatch(/^✔ database .* is what was proven at .*: day3, (\d+) of \1 claims/);
  const json = await auditor.tenantry("certificate", "check", "day3.json", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: "certificate-checked",
    holds: true,
    differences: [],
    remarks: [expect.stringMatching(/^who signed it was not checked/)],
  });
}, 300_000);

test("an auditor's role needs no privilege but to connect", async () => {
  const url = new URL(fenced.url);
  url.username = `auditor_${process.pid}`;
  await run(`CREATE ROLE ${url.username} LOGIN`);
  const checked = await check(signed, "--url", url.href);
  await run(`DROP ROLE ${url.username}`);
  expect(checked.code, checked.said).toBe(0);
});

test("rows and statistics that change leave it as it is", async () => {
  await run(
    "UPDATE public.leads SET phone = phone || '1'",
    "DELETE FROM public.calls WHERE id = 1",
    "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'new@own.example')",
    "VACUUM ANALYZE",
  );
  expect(await check(signed)).toMatchObject({ code: 0 });
});

/** What is no longer what was proven, what is said of it, and how it is undone. */
const changes: readonly (readonly [string, readonly string[], RegExp, readonly string[]])[] = [
  [
    "a policy is added",
    [`CREATE POLICY "support can read" ON public.leads FOR SELECT TO authenticated USING (true)`],
    /✘ fence: policy public\.leads\."support can read": is new/,
    [`DROP POLICY "support can read" ON public.leads`],
  ],
  [
    "a policy gets another condition",
    [`ALTER POLICY "Own channel" ON realtime.messages USING (true)`],
    /✘ schema: policy realtime\.messages\."Own channel": was changed/,
    [
      `ALTER POLICY "Own channel" ON realtime.messages USING (realtime.topic() = 'user:' || auth.uid()::text)`,
    ],
  ],
  [
    "row-level security is off",
    ["ALTER TABLE public.notes DISABLE ROW LEVEL SECURITY"],
    /✘ fence: table public\.notes: row security: on → off/,
    ["ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY"],
  ],
  [
    "a helper runs as its caller",
    ["ALTER FUNCTION tenancy.caller_organizations() SECURITY INVOKER"],
    /✘ fence: function tenancy\.caller_organizations\(\): /,
    ["ALTER FUNCTION tenancy.caller_organizations() SECURITY DEFINER"],
  ],
  [
    "a table is made",
    ["CREATE TABLE public.invoices (id bigint)"],
    /✘ schema: relation public\.invoices: is new/,
    ["DROP TABLE public.invoices"],
  ],
  [
    "a setting of the database changes what requests may do",
    [`ALTER ROLE authenticated IN DATABASE "@" SET row_security = off`],
    /✘ fence: settings .*row_security.*/,
    [`ALTER ROLE authenticated IN DATABASE "@" RESET row_security`],
  ],
];

test.for(changes)("%s: the check fails and names it", async ([, damage, said, undo]) => {
  const here = (statement: string) => statement.replace("@", fenced.name);
  await run(...damage.map(here));
  const checked = await check(signed);
  await run(...undo.map(here));
  expect(checked.code, checked.said).toBe(3);
  expect(checked.stdout).toMatch(said);
  expect(checked.stderr).toMatch(/day3\.json: does not hold: \d+ differences?/);
  expect(await check(signed)).toMatchObject({ code: 0 });
});

test("a verification that is not green is certified as such, and no text of it holds a row's value", async () => {
  await run(
    "CREATE VIEW public.everything AS SELECT * FROM public.leads",
    "GRANT SELECT ON public.everything TO authenticated",
    "CREATE VIEW public.broken AS SELECT * FROM public.leads WHERE phone::int > 0",
    "GRANT SELECT ON public.broken TO authenticated",
  );
  const project = await projectOf(fenced.url);
  const verified = await project.tenantry("verify", "--certificate", "day3.json", "--verbose");
  await run("DROP VIEW public.everything", "DROP VIEW public.broken");
  expect(verified.code).toBe(3);
  expect(verified.stdout).toMatch(/certificate: day3\.json \(it says that this is not green; /);
  // The screen has what the certificate leaves out.
  expect(verified.stdout).toMatch(canary);
  const text = await readFile(path.join(project.folder, "day3.json"), "utf8");
  const { content } = readCertificate("day3.json", text).certificate;
  expect(content.holds).toBe(false);
  expect(content.counts.open).toBeGreaterThan(0);
  expect(content.counts.fail + content.counts.notProven).toBeGreaterThan(0);
  expect(content.claims.flatMap(({ notTried }) => notTried).length).toBeGreaterThan(0);
  expect(content.findings).toContainEqual(
    expect.objectContaining({ rule: "definer-view", state: "open", accepted: null }),
  );
  for (const written of [text, signed, unsigned]) {
    expect(written).not.toMatch(new RegExp(`${canary}|@own\\.example|\\+49`, "i"));
  }
  const checked = await check(text);
  expect(checked.code).toBe(3);
  expect(checked.stdout).toMatch(/✘ verification: day3: was not green/);
}, 300_000);

test("a schema that changes while it is verified gets no certificate", async () => {
  const project = await projectOf(fenced.url);
  const file = path.join(project.folder, "day3.json");
  let changed = false;
  const certified = openWorkspace(
    {
      url: fenced.url,
      config,
      folder: project.folder,
      onEvent: ({ kind }) => {
        if (kind !== "proof-progress" || changed) return;
        changed = true;
        // Before the next statement of the proof.
        const code = `import pg from "pg"; const client = new pg.Client(process.env.DATABASE_URL);
          await client.connect(); await client.query("CREATE TABLE public.meanwhile ()"); await client.end();`;
        execFileSync(process.execPath, ["--input-type=module", "-e", code], {
          env: { ...process.env, DATABASE_URL: fenced.url },
        });
      },
    },
    (workspace) => certifyStage(workspace, { certificate: file }),
  );
  await expect(certified).rejects.toMatchObject({
    code: "CERTIFICATE_FAILED",
    fault: "was changed while it was verified",
    details: ["relation public.meanwhile: is new"],
  });
  await run("DROP TABLE public.meanwhile");
  expect(existsSync(file)).toBe(false);
}, 300_000);

test("another database is refused, and nothing of it is compared", async () => {
  const other = await makeDatabase("certificate of another");
  const project = await projectOf(other.url);
  await writeFile(path.join(project.folder, "day3.json"), signed);
  const checked = await project.tenantry("certificate", "check", "day3.json");
  await other.drop();
  expect(checked.code).toBe(3);
  expect(checked.stdout).toMatch(
    /^✘ database: database certificate_of.*: the certificate is of database certificate_/,
  );
  expect(checked.stdout).not.toMatch(/fence|schema/);
  const system = /"system": "\d+"/;
  const elsewhere = await check(unsigned.replace(system, '"system": "7000000000000000000"'));
  expect(elsewhere.code).toBe(3);
  expect(elsewhere.stdout).toMatch(/another cluster: system identifier 7000000000000000000/);
});

test("a signature that is wrong, missing or somebody else's fails", async () => {
  const { content, signature } = readCertificate("day3.json", signed).certificate;
  const without: Certificate = { content, signature: null };
  const more = { content: { ...content, stage: "day2" as const }, signature };
  const cases: readonly (readonly [Certificate, readonly string[], RegExp])[] = [
    [more, [], /✘ signature: .*its signature is wrong/],
    [more, ["--key", "public.pem"], /its signature is wrong/],
    [without, [], /its signature was taken away/],
    [without, ["--key", "public.pem"], /its signature was taken away/],
    [
      { content: { ...content, signer: null }, signature: null },
      ["--key", "public.pem"],
      /it is not signed/,
    ],
    [
      { content, signature },
      ["--key", "other.pem"],
      /it is signed by another key: SHA-256 [0-9a-f]{64}/,
    ],
  ];
  for (const [certificate, args, said] of cases) {
    const checked = await check(writtenCertificate(certificate), ...args);
    expect(checked.code, checked.said).toBe(3);
    expect(checked.stdout).toMatch(said);
  }
});

test("whatever byte of the content is changed, it is noticed", () => {
  const { certificate } = readCertificate("day3.json", signed);
  const text = canonicalJson(certificate.content);
  const bytes = Buffer.from(text);
  const signature = JSON.stringify(certificate.signature);
  const faultsOf = (content: string): readonly string[] => {
    try {
      const read = readCertificate("it", `{"content":${content},"signature":${signature}}`);
      return faultsOfSignature(read.certificate, read.content);
    } catch (error) {
      if (error instanceof AppError) return [error.fault];
      throw error;
    }
  };
  expect(faultsOf(text)).toEqual([]);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ by;
      expect(faultsOf(changed.toString())).not.toEqual([]);
    }),
    { numRuns: 300 },
  );
  // Nor is something added, or said twice.
  expect(faultsOf(text.replace("{", '{"customer":"none",'))).not.toEqual([]);
  expect(faultsOf(text.replace("{", '{"__proto__":{"holds":true},'))).not.toEqual([]);
  expect(faultsOf(text.replace("{", '{"holds":false,'))).not.toEqual([]);
});

test("an ended acceptance or an edited list ends the certificate; another minor version does not", () => {
  const { content } = readCertificate("day3.json", signed).certificate;
  const finding = {
    rule: "published",
    severity: "low",
    object: "publication feed",
    state: "accepted",
    due: null,
    accepted: { reason: "a copy for reports", until: "2030-06-30" },
  } as const;
  const accepted = { ...content, findings: [finding] };
  expect(differencesInItself(accepted, "2030-06-30")).toEqual([]);
  expect(differencesInItself(accepted, "2030-07-01")).toEqual([
    { of: "acceptance", object: "publication feed", fact: "was accepted until 2030-06-30" },
  ]);
  expect(
    differencesInItself({ ...content, schema: { ...content.schema, objects: [] } }, "2026-01-01"),
  ).toEqual([expect.objectContaining({ of: "certificate", object: "schema" })]);
  const server = { version: "15.99", number: 150_099 };
  expect(otherVersions(content, { server, tenantry: "9.0.0" })).toEqual([
    expect.stringMatching(/^the server is 15\.99; it was verified on 15\./),
    expect.stringMatching(/^this is Tenantry 9\.0\.0; the certificate was written by /),
  ]);
});

test("what cannot be used is refused in words, before anything is tried", async () => {
  const project = await projectOf(fenced.url);
  const write = (name: string, text: string) => writeFile(path.join(project.folder, name), text);
  await write("no.json", "{ not JSON");
  await write("other.json", '{"content": {"rows": 1}}');
  await write("later.json", signed.replace('"format": 1', '"format": 2'));
  const checking = ["certificate", "check"];
  const certify = ["verify", "--certificate"];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[...checking, "no.json"], /no\.json: is not JSON/],
    [[...checking, "other.json"], /other\.json: is not a certificate of Tenantry/],
    [
      [...checking, "later.json"],
      /later\.json: has the format 2; this version .* reads the format 1/,
    ],
    [[...checking, "none.json"], /none\.json: cannot be read/],
    [[...checking, "later.json", "--key", "no.json"], /no\.json: is not a public key in PEM/],
    [
      [...checking, "later.json", "--key", "curve.pem"],
      /curve\.pem: is a key for ec, not for Ed25519/,
    ],
    [[...certify, "nowhere/a.json"], /nowhere\/a\.json: cannot be written/],
    [[...certify, "."], /\.: cannot be written/],
    [
      [...certify, "a.json", "--sign-with", "public.pem"],
      /public\.pem: is not a private key in PEM/,
    ],
    [
      [...certify, "a.json", "--sign-with", "curve.pem"],
      /curve\.pem: is a key for ec, not for Ed25519/,
    ],
    [[...certify, "a.json", "--on-clone"], /--certificate: goes without --on-clone/],
    [["verify", "--sign-with", "key.pem"], /--sign-with: needs --certificate/],
    [["--stage", "day3", "--certificate", "a.json"], /--verify: is needed with .*--certificate/],
  ];
  for (const [args, said] of cases) {
    const refused = await project.tenantry(...args);
    expect(refused.code, `${args.join(" ")}: ${refused.stderr}`).toBe(2);
    expect(refused.stderr).toMatch(said);
    expect(refused.stdout).toBe("");
  }
  expect(existsSync(path.join(project.folder, "a.json"))).toBe(false);
  const refused = await project.tenantry(
    "certificate",
    "check",
    "later.json",
    "--url",
    inject("databaseUrl"),
  );
  expect(refused.code).toBe(2);
});
