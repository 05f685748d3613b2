import ts from "typescript";
import { everyNode, isFunctionNode, wrapped } from "../reading/syntax.ts";
import type { Component } from "./component.ts";
import type { Uses } from "./uses.ts";

/** The places where a component renders a property: `{children}`, `{props.sidebar}`, `<Page />`. */
export function placesOfProp(uses: Uses, component: Component, prop: string): readonly ts.Node[] {
  const [parameter] = isFunctionNode(component) ? component.parameters : [];
  const given =
    parameter !== undefined && ts.isIdentifier(parameter.name) ? parameter.name.text : "props";
  const isProps = (node: ts.Node) => [given, "this.props"].includes(node.getText());
  const found: ts.Node[] = [];
  everyNode(component, (node) => {
    if (ts.isBindingElement(node)) {
      const holder = node.parent.parent;
      const isOfProps =
        holder === parameter ||
        (ts.isVariableDeclaration(holder) &&
          holder.initializer !== undefined &&
          isProps(holder.initializer));
      if (isOfProps && (node.propertyName ?? node.name).getText() === prop)
        found.push(...uses.of(node));
    }
    if (ts.isPropertyAccessExpression(node) && node.name.text === prop && isProps(node.expression))
      found.push(node);
    // A spread passes the property on to another component.
    if (ts.isJsxSpreadAttribute(node) && isProps(node.expression)) found.push(node);
  });
  return found.filter(isShown);
}

/** Whether a node is only the condition of an expression: it is not rendered. */
function isShown(node: ts.Node): boolean {
  const { parent } = wrapped(node);
  if (ts.isPrefixUnaryExpression(parent) || ts.isTypeOfExpression(parent)) return false;
  if (ts.isIfStatement(parent)) return false;
  if (ts.isConditionalExpression(parent)) return parent.condition !== wrapped(node);
  if (!ts.isBinaryExpression(parent) || parent.left !== wrapped(node)) return true;
  return parent.operatorToken.kind === ts.SyntaxKind.BarBarToken;
}
