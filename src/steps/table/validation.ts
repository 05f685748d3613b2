import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";

/** Validates one constraint of a table. */
export function validation(relation: RelationName, constraint: string): Sql {
  return sql`ALTER TABLE ${ident(relation)}
  VALIDATE CONSTRAINT ${ident(constraint)}`;
}

const name = '"(?:[^"]|"")+"';
const written = new RegExp(`^ALTER TABLE ${name}\\.${name}\n {2}VALIDATE CONSTRAINT ${name}$`);

/**
 * Whether a statement is one of the above. A journal holds statements only, those of older versions
 * too: a rollback must not get stuck at a row that violates what it would validate.
 */
export function isValidation({ parts }: Sql): boolean {
  const [only = "", ...others] = parts;
  return others.length === 0 && written.test(only);
}
