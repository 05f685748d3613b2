import ts from "typescript";
import type { Row } from "../queries/payload.ts";
import { addLastProperty } from "./add-property.ts";
import { type Edit, type Refusal, refuse } from "./edit.ts";
import { propertyText, spread } from "./write-organization.ts";

/** Removes the organization from what an update writes: supabase-js does not send `undefined`. */
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
      return refuse(`it sets ${column}: a person must decide this`);
    case "overridden":
      return refuse(`it sets ${column}, and a spread after it may override that`);
    default:
      return judgement satisfies never;
  }
}
