import { z } from "zod";
import { configSchema } from "../config/schema.ts";

const begin = "<!-- settings: written by npm run docs from src/config -->";
const end = "<!-- end of the settings -->";

/** What of a JSON schema the reference is made of; `whenOmitted` and `see` are ours. */
const nodeSchema = z.looseObject({
  description: z.string().optional(),
  whenOmitted: z.string().optional(),
  see: z.string().optional(),
  default: z.unknown().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), nodeSchema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), nodeSchema]).optional();
  },
  get items() {
    return nodeSchema.optional();
  },
  get anyOf() {
    return z.array(nodeSchema).optional();
  },
  get oneOf() {
    return z.array(nodeSchema).optional();
  },
});

type Node = z.output<typeof nodeSchema>;

/** A setting, as the reference lists it; `*` in its path is a name that the configuration gives. */
export type SettingLine = {
  readonly path: string;
  /** In Markdown. */
  readonly byDefault: string;
  /** In Markdown; undefined where the schema has no description. */
  readonly meaning: string | undefined;
};

/** Every setting of the configuration, in the order of the schema. */
export function listSettings(): readonly SettingLine[] {
  return settingsBelow(nodeSchema.parse(z.toJSONSchema(configSchema, { io: "input" })), "");
}

/**
 * A page with the table of all settings between its two markers.
 * @throws Error for a page without markers, or a setting without a description
 */
export function withSettings(page: string): string {
  const before = page.indexOf(begin);
  const after = page.indexOf(end);
  if (before < 0 || after < before) throw new Error(`the page needs ${begin} and ${end}`);
  return `${page.slice(0, before)}${begin}\n\n${settingsTable()}\n\n${page.slice(after)}`;
}

function settingsTable(): string {
  const rows = new Map<string, string[]>();
  for (const { path, byDefault, meaning } of listSettings()) {
    if (meaning === undefined) throw new Error(`the setting ${path} has no description`);
    // Settings with the same words share a row: those of both days, and of both parts of the code.
    const cells = `${cell(byDefault)} | ${cell(meaning)}`;
    rows.set(cells, [...(rows.get(cells) ?? []), `\`${path}\``]);
  }
  return [
    "| setting | default | meaning |",
    "| --- | --- | --- |",
    ...[...rows].map(([cells, paths]) => `| ${paths.join(", ")} | ${cells} |`),
  ].join("\n");
}

/** A vertical bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The settings inside a schema: of an object, a list's items, a map's values, or a union's variants. */
function settingsBelow(node: Node, path: string): SettingLine[] {
  const { additionalProperties: values } = node;
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([name, below]) => {
      const required = node.required?.includes(name) ?? false;
      const inherited = z.record(z.string(), z.unknown()).safeParse(node.default).data?.[name];
      const setting = { ...below, default: below.default ?? inherited };
      return settings(setting, path === "" ? name : `${path}.${name}`, required);
    }),
    ...(node.items === undefined ? [] : settingsBelow(node.items, `${path}[]`)),
    ...(typeof values === "object" ? valuesOf(values, `${path}.*`) : []),
    ...unionSettings([...(node.anyOf ?? []), ...(node.oneOf ?? [])], path),
  ];
}

/** The values of a map, which are settings if they have a description, and the settings inside them. */
function valuesOf(values: Node, path: string): SettingLine[] {
  return values.description === undefined
    ? settingsBelow(values, path)
    : settings(values, path, true);
}

/** A property that several variants have is listed once, as the first of them describes it. */
function unionSettings(variants: readonly Node[], path: string): SettingLine[] {
  const known = new Map<string, SettingLine>();
  for (const line of variants.flatMap((variant) =>
    settingsBelow({ ...variant, required: [] }, path),
  ))
    if (!known.has(line.path)) known.set(line.path, line);
  return [...known.values()];
}

function settings(node: Node, path: string, required: boolean): SettingLine[] {
  const below = settingsBelow(node, path);
  // An object or a union without a description is no setting itself: its properties are.
  if (node.description === undefined && below.length > 0) return below;
  const { description, see, whenOmitted } = node;
  const line = {
    path,
    byDefault:
      whenOmitted ??
      (required && node.default === undefined ? "required" : inMarkdown(node.default)),
    meaning: see === undefined ? description : `${description}. See ${see}`,
  };
  return [line, ...below];
}

function inMarkdown(value: unknown): string {
  if (Array.isArray(value) && value.length > 0) return value.map(inMarkdown).join(", ");
  if (value === undefined || JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}")
    return "none";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
