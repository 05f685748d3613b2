import { AppError } from "../../errors.ts";

export type Choice<Value> = { readonly name: string; readonly value: Value };

/** @throws AppError INTERRUPTED at Ctrl-C */
export async function askYesOrNo(message: string): Promise<boolean> {
  const question = { type: "confirm", name: "answer", message, default: false } as const;
  return interruptible((prompts) => prompts.prompt<{ answer: boolean }>([question]));
}

/** @throws AppError INTERRUPTED at Ctrl-C */
export async function askText(message: string): Promise<string> {
  const question = { type: "input", name: "answer", message } as const;
  return interruptible((prompts) => prompts.prompt<{ answer: string }>([question]));
}

/** @throws AppError INTERRUPTED at Ctrl-C */
export async function askWhich<Value>(
  message: string,
  choices: readonly Choice<Value>[],
): Promise<Value> {
  const pageSize = choices.length;
  const question = { type: "select", name: "answer", message, choices, pageSize } as const;
  return interruptible((prompts) => prompts.prompt<{ answer: Value }>([question]));
}

/** Loaded at the first question: a run in CI asks none, and needs less memory without it. */
type Prompts = typeof import("inquirer")["default"];

async function interruptible<Answer>(
  prompt: (prompts: Prompts) => Promise<{ readonly answer: Answer }>,
): Promise<Answer> {
  try {
    const { default: prompts } = await import("inquirer");
    return (await prompt(prompts)).answer;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ExitPromptError") throw error;
    throw new AppError({
      code: "INTERRUPTED",
      object: "tenantry",
      fault: "interrupted at a question",
      state: "nothing was begun that was not confirmed",
      next: "tenantry status shows where things stand",
    });
  }
}
