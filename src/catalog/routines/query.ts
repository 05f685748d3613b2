/** A name as it is written, with its schema where it has one. */
export type WrittenName = { readonly schema: string | undefined; readonly name: string };

/** A value as far as it can identify an organization. */
export type Value =
  /** A column, an argument or a variable: which of them is known only with the catalog. */
  | { readonly kind: "name"; readonly of: string | undefined; readonly name: string }
  | { readonly kind: "parameter"; readonly number: number }
  /** A call without FROM, also as `(SELECT f())`; with its first argument where that is a text. */
  | { readonly kind: "call"; readonly function: WrittenName; readonly text: string | undefined }
  | { readonly kind: "other" };

/** Two values that are equal in every row of a query. */
export type Equality = {
  readonly one: Value;
  readonly other: Value;
  /** The query in whose scope `other` is, where it is a query below. */
  readonly otherIn: number | undefined;
  /** The only tables that it restricts, by alias: the optional side of an outer join; undefined: all. */
  readonly restricts: readonly string[] | undefined;
};

export type TableUse = "read" | "insert" | "update" | "delete" | "merge" | "truncate" | "other";

export type QueryTable = {
  readonly alias: string;
  readonly relation: WrittenName;
  readonly use: TableUse;
};

/** One SELECT, INSERT, UPDATE, DELETE or another statement, without the queries below it. */
export type Query = {
  /** The query that it is below. */
  readonly within: number | undefined;
  /** Whether a row of `within` exists only where this query has one: EXISTS or IN among its conditions. */
  readonly filters: boolean;
  readonly tables: readonly QueryTable[];
  readonly equalities: readonly Equality[];
  /** The values of columns that it writes: of each row, and of each SET. */
  readonly written: readonly { readonly column: string; readonly value: Value }[];
  /** Whether an INSERT names its columns, so that others get their defaults. */
  readonly namesColumns: boolean;
  /** Whether an INSERT updates rows that exist already. */
  readonly updatesOnConflict: boolean;
};

/** What a text of SQL does. */
export type Statements = {
  readonly queries: readonly Query[];
  readonly calls: readonly WrittenName[];
  readonly operators: readonly WrittenName[];
  readonly types: readonly WrittenName[];
  /** The settings that it sets; undefined for one whose name is not a constant. */
  readonly sets: readonly (string | undefined)[];
  /** Statements that are neither of rows nor harmless: their kinds. */
  readonly others: readonly string[];
};
