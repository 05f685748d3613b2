import { columnOptions, onlyKnown, relationOptions } from "./known-options.ts";

type Entry = { readonly object: string; readonly definition: string };

/** An array as PostgreSQL prints it; an element has quotes if it needs them. */
const array = String.raw`\{(?:"(?:[^"\\]|\\.)*"|[^"{}])*\}`;

const optionsOfRelation = new RegExp(`^(.*? replica identity \\w options) (${array})`, "s");
const optionsOfColumn = new RegExp(
  `^(.*? storage \\w(?: grants .*?)?) options (${array})(?= comment |$)`,
  "s",
);

/**
 * An entry of a journal or a backup as the current version reads it: older versions stored all options,
 * also the server's internal ones, in any order.
 */
export function asReadToday({ object, definition }: Entry): Entry {
  if (object.startsWith("relation ")) {
    return {
      object,
      definition: definition.replace(optionsOfRelation, (_all, before: string, options: string) =>
        [before, onlyKnown(options, relationOptions)].filter((part) => part !== "").join(" "),
      ),
    };
  }
  if (object.startsWith("column ")) {
    return {
      object,
      definition: definition.replace(optionsOfColumn, (_all, before: string, options: string) => {
        const known = onlyKnown(options, columnOptions);
        return known === "" ? before : `${before} options ${known}`;
      }),
    };
  }
  return { object, definition };
}
