import { execa } from "execa";
import { onTestFinished } from "vitest";
import { program } from "./built-program.ts";
import type { Outcome, Project } from "./project.ts";

export const keys = { enter: "\r", down: "\u001b[B", interrupt: "\u0003" } as const;

/** A command in a real pseudo-terminal, with somebody at the keys. */
export type Terminal = {
  /** Waits until this is on the screen, since the last key was pressed. */
  sees(text: string | RegExp): Promise<string>;
  press(...pressed: readonly string[]): void;
  readonly ended: Promise<Outcome>;
};

/** Starts `tenantry` in a pseudo-terminal of 100 columns. */
export function openTerminal(project: Project, url: string, ...args: string[]): Terminal {
  const words = args.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return openShell(project, url, ["tenantry", ...words].join(" "));
}

/** Runs a line of a shell, which knows `tenantry`, in a terminal as `script` of util-linux gives one. */
export function openShell(project: Project, url: string, line: string): Terminal {
  const called = [process.execPath, program].map((word) => `'${word}'`).join(" ");
  const command = `stty cols 100 rows 40; tenantry() { ${called} "$@"; }; ${line}`;
  const child = execa(
    "script",
    ["--quiet", "--return", "--flush", "--command", command, "/dev/null"],
    {
      cwd: project.folder,
      env: { DATABASE_URL: url, TERM: "xterm", NO_COLOR: "1", CI: "", SHELL: "/bin/sh" },
      stdin: "pipe",
      all: true,
      reject: false,
    },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let shown = "";
  let looked = 0;
  child.all.on("data", (data: Buffer) => {
    shown += data.toString();
  });
  return {
    async sees(text) {
      const deadline = Date.now() + 45_000;
      for (;;) {
        const fresh = plain(shown.slice(looked));
        if (typeof text === "string" ? fresh.includes(text) : text.test(fresh)) return fresh;
        if (Date.now() > deadline) {
          throw new Error(`${String(text)} did not come on the screen, but:\n${fresh}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    press(...pressed) {
      looked = shown.length;
      for (const key of pressed) child.stdin.write(key);
    },
    ended: child.then(({ exitCode }) => ({
      code: exitCode ?? -1,
      stdout: plain(shown),
      stderr: "",
    })),
  };
}

/** Without what moves the cursor and colours the text. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is steered by them.
  return text.replaceAll(/\u001b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])/g, "");
}
