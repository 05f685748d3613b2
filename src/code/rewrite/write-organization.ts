import ts from "typescript";
import type { Row } from "../queries/payload.ts";
import { initializerOf, isNothing, wrapped } from "../reading/syntax.ts";
import { addLastProperty, removeProperty } from "./add-property.ts";
import { type Edit, insertion, type Refusal, refuse } from "./edit.ts";

/** Adds the organization to a row, as its last property. */
export function writeOrganization(
  row: Row,
  column: string,
  organization: string,
): readonly Edit[] | Refusal {
  const { node, shape, judgement } = row;
  const property = propertyText(column, organization);
  switch (shape) {
    case "literal": {
      if (!ts.isObjectLiteralExpression(node)) return refuse("it is not an object literal");
      if (judgement.kind === "set")
        return refuse(
          `it sets ${column} to ${judgement.value.getText()}: a person must decide this`,
        );
      if (judgement.kind !== "overridden") return addLastProperty(node, property);
      const held = initializerOf(judgement.property);
      if (held === undefined || isNothing(held))
        return refuse(
          `it sets ${column} to ${held?.getText() ?? "a method"}: a person must decide this`,
        );
      // The property moves behind the spread that may override it, with its value.
      return [
        removeProperty(node, judgement.property),
        ...addLastProperty(node, judgement.property.getText()),
      ];
    }
    case "object":
      return spread(node, property);
    case "array":
      if (/\brow\b/.test(organization)) return refuse("the organization's variable is named row");
      return mapped(row, property);
    case "unknown":
      return refuse("its type does not show whether it is one row or several");
    default:
      return shape satisfies never;
  }
}

/** `{ ...lead, organization_id: organizationId }` */
export function spread(node: ts.Expression, property: string): Edit[] {
  const whole = withAround(node);
  const source = whole.getSourceFile();
  const isBody = ts.isArrowFunction(whole.parent) && whole.parent.body === whole;
  const [open, close] = isBody ? ["({ ...", " })"] : ["{ ...", " }"];
  const [before, behind] = parentheses(whole);
  return [
    insertion(source, whole.getStart(), `${open}${before}`),
    insertion(source, whole.getEnd(), `${behind}, ${property}${close}`),
  ];
}

/** `leads.map((row) => ({ ...row, organization_id: organizationId }))` */
function mapped({ node, isTyped }: Row, property: string): Edit[] {
  const whole = withAround(node);
  const source = whole.getSourceFile();
  const [before, behind] = parentheses(whole);
  const needsType = !isTyped && /\.[cm]?tsx?$/.test(source.fileName);
  const parameter = needsType ? "row: object" : "row";
  return [
    ...(before === "" ? [] : [insertion(source, whole.getStart(), before)]),
    insertion(source, whole.getEnd(), `${behind}.map((${parameter}) => ({ ...row, ${property} }))`),
  ];
}

/** The expression with its casts, parentheses and `await`: they are spread with it. */
function withAround(node: ts.Expression): ts.Expression {
  const whole = wrapped(node);
  return ts.isAwaitExpression(whole.parent) ? withAround(whole.parent) : whole;
}

function parentheses(node: ts.Expression): readonly [string, string] {
  const isPlain =
    ts.isIdentifier(node) ||
    ts.isPropertyAccessExpression(node) ||
    ts.isElementAccessExpression(node) ||
    ts.isCallExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isParenthesizedExpression(node);
  return isPlain ? ["", ""] : ["(", ")"];
}

/** A property of an object literal; a shorthand where name and value are the same. */
export function propertyText(column: string, value: string): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(column) ? column : JSON.stringify(column);
  return key === value ? key : `${key}: ${value}`;
}
