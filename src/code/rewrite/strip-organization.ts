import ts from "typescript";
import type { Row } from "../queries/payload.ts";
import { addLastProperty } from "./add-property.ts";
import { type Edit, type Refusal, refuse } from "./edit.ts";
import { propertyText, spread } from "./write-organization.ts";

/** Leaves the organization out of what an update writes: `undefined` never reaches the database. */
export function stripOrganization(
  { node, judgement }: Row,
  column: string,
): readonly Edit[] | Refusal {
  const property = propertyText(column, "undefined");
  switch (judgement.kind) {
    case "absent":
      return [];
    case "hidden":
      return ts.isObjectLiteralExpression(node)
        ? addLastProperty(node, property)
        : spread(node, property);
    case "set":
      return refuse(`it sets ${column} on purpose, or does it?`);
    case "overridden":
      return refuse(`it sets ${column}, and a spread behind may set it otherwise`);
    default:
      return judgement satisfies never;
  }
}
