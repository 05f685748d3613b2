import { columnOptions, onlyKnown, relationOptions } from "./known-options.ts";

type Entry = { readonly object: string; readonly definition: string };

/** An array as PostgreSQL prints it: quotes where an element needs them. */
const array = String.raw`\{(?:"(?:[^"\\]|\\.)*"|[^"{}])*\}`;

const optionsOfRelation = new RegExp(`^(.*? replica identity \\w options) (${array})`, "s");
const optionsOfColumn = new RegExp(
  `^(.*? storage \\w(?: grants .*?)?) options (${array})(?= comment |$)`,
  "s",
);

/**
 * An entry of a journal or a backup as it would be read today: one that was made before options were
 * chosen by the manual has all that the server keeps in its place, and in any order.
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
