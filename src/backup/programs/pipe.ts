import { close as closeCallback, constants, open as openCallback } from "node:fs";
import { Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { execa } from "execa";
import { systemCode } from "../folder/system-error.ts";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

// Numbers, because a FileHandle closes its file when it is collected, and a Socket does not keep it.
const open = promisify(openCallback);
const close = promisify(closeCallback);

/**
 * What is done with the other end of a named pipe, for a program that only takes a file's name: what passes
 * through a pipe is in the memory of the kernel, and never on the disk.
 */
export type Flow =
  | { readonly kind: "from program"; readonly take: (content: Socket) => Promise<void> }
  | { readonly kind: "to program"; readonly give: (content: Socket) => Promise<void> };

/** The error of a flow, which is its cause; the program has no fault. */
export class FlowFailed extends Error {}

/** Makes a named pipe in a folder. @returns its path */
export async function makePipe(folder: string): Promise<string> {
  const pipe = path.join(folder, "pipe");
  await execa("mkfifo", ["-m", "600", pipe]);
  return pipe;
}

/**
 * Lets a flow pass through a pipe while a program runs. Neither end waits for the other: a program that fails
 * before it opens the pipe would otherwise leave a thread of this process behind, which never ends.
 */
export async function letFlow(pipe: string, flow: Flow, program: Promise<unknown>): Promise<void> {
  switch (flow.kind) {
    case "from program":
      return takeFrom(pipe, flow.take, program);
    case "to program":
      return giveTo(pipe, flow.give, program);
    default:
      return flow satisfies never;
  }
}

async function takeFrom(
  pipe: string,
  take: (content: Socket) => Promise<void>,
  program: Promise<unknown>,
): Promise<void> {
  const fd = await open(pipe, O_RDONLY | O_NONBLOCK);
  // Until the program has ended: without a writer, the pipe is at its end.
  const writer = await open(pipe, O_WRONLY | O_NONBLOCK);
  const [taken] = await Promise.allSettled([
    take(new Socket({ fd, readable: true, writable: false })),
    program.finally(() => close(writer)),
  ]);
  if (taken.status === "rejected") throw taken.reason;
}

async function giveTo(
  pipe: string,
  give: (content: Socket) => Promise<void>,
  program: Promise<unknown>,
): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  program.then(end, end);
  for (;;) {
    const writer = await openWriter(pipe);
    if (writer !== undefined)
      return give(new Socket({ fd: writer, readable: false, writable: true }));
    if (ended) return;
    await sleep(20);
  }
}

/** Undefined while no program has the pipe open for reading. */
async function openWriter(pipe: string): Promise<number | undefined> {
  try {
    return await open(pipe, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENXIO") return undefined;
    throw error;
  }
}
