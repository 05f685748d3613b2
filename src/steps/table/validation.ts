import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";

/** Validates one constraint of a table. */
export function validation(relation: RelationName, constraint: string): Sql {
  return sql`ALTER TABLE ${ident(relation)}
  VALIDATE CONSTRAINT ${ident(constraint)}`;
}

const name = '"(?:[^"]|"")+"';
const written = new RegExp(`^ALTER TABLE ${name}\\.${name}\n {2}VALIDATE CONSTRAINT ${name}$`);

/**
 * Whether a statement is such a validation. A journal holds statements only, also those of older versions.
 * A rollback continues where rows violate the constraint.
 */
export function isValidation({ parts }: Sql): boolean {
  const [only = "", ...others] = parts;
  return others.length === 0 && written.test(only);
}
