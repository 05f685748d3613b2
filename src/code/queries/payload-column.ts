import ts from "typescript";
import { conditionOf } from "../reading/later-calls.ts";
import type { Symbols } from "../reading/symbols.ts";
import { initializerOf, isNothing, nameOf, unwrap } from "../reading/syntax.ts";

/** Whether an object sets one column. */
export type Judgement =
  | { readonly kind: "absent" }
  /** It certainly has this value. */
  | { readonly kind: "set"; readonly value: ts.Expression }
  /** It has a value that a later property may override. */
  | { readonly kind: "overridden"; readonly property: ts.ObjectLiteralElementLike }
  /** Cannot be determined from the code here. */
  | { readonly kind: "hidden" };

const absent: Judgement = { kind: "absent" };
const hidden: Judgement = { kind: "hidden" };

/** Whether an object has a column, and whether that is certain: with a spread after it, it is not. */
export function judge(symbols: Symbols, expression: ts.Expression, column: string): Judgement {
  return judgeWithin(symbols, expression, column, 0);
}

/** Whether a judgement is certain. */
export function isAbsentOrSet({ kind }: Judgement): boolean {
  return kind === "absent" || kind === "set";
}

/** One judgement for several rows. */
export function judgeTogether(judgements: readonly Judgement[]): Judgement {
  const [first] = judgements;
  if (first === undefined) return hidden;
  // One row without an organization is enough to fail.
  const empty = judgements.find((one) => one.kind === "set" && isNothing(one.value));
  if (empty !== undefined) return empty;
  return judgements.every(({ kind }) => kind === first.kind) && isAbsentOrSet(first)
    ? first
    : hidden;
}

function judgeWithin(
  symbols: Symbols,
  expression: ts.Expression,
  column: string,
  way: number,
): Judgement {
  const inner = unwrap(expression);
  const below = (one: ts.Expression) => judgeWithin(symbols, one, column, way + 1);
  if (way > 6) return hidden;
  if (ts.isObjectLiteralExpression(inner)) return ofLiteral(inner, column, below);
  if (ts.isConditionalExpression(inner))
    return judgeTogether([below(inner.whenTrue), below(inner.whenFalse)]);
  // …(note && { note }): the property is there or not.
  if (ts.isBinaryExpression(inner) && isLazy(inner.operatorToken.kind))
    return below(inner.right).kind === "absent" ? absent : hidden;
  if (inner.kind === ts.SyntaxKind.NullKeyword) return absent;
  if (!ts.isIdentifier(inner)) return hidden;
  if (inner.text === "undefined") return absent;
  const [declaration] = symbols.symbolOf(inner)?.declarations ?? [];
  if (
    declaration === undefined ||
    !ts.isVariableDeclaration(declaration) ||
    declaration.initializer === undefined ||
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) === 0
  )
    return hidden;
  const symbol = symbols.symbolOf(inner);
  return symbol === undefined
    ? hidden
    : afterAssignments(below(declaration.initializer), {
        uses: symbols.usesOf(symbol, inner.text),
        declaration,
        use: inner,
        column,
      });
}

function ofLiteral(
  object: ts.ObjectLiteralExpression,
  column: string,
  below: (one: ts.Expression) => Judgement,
): Judgement {
  let behind: Judgement = absent;
  for (const property of [...object.properties].reverse()) {
    if (ts.isSpreadAssignment(property)) {
      const spread = below(property.expression);
      if (spread.kind === "set" && behind.kind === "absent") return spread;
      if (spread.kind !== "absent") behind = hidden;
    } else if (nameOf(property) === column) {
      const value = initializerOf(property);
      if (behind.kind !== "absent") return { kind: "overridden", property };
      return value === undefined ? hidden : { kind: "set", value };
    } else if (property.name !== undefined && ts.isComputedPropertyName(property.name)) {
      behind = hidden;
    }
  }
  return behind;
}

type DeclaredObject = {
  readonly declaration: ts.VariableDeclaration;
  /** Every use of its name. */
  readonly uses: readonly ts.MemberName[];
  /** The use that is judged. */
  readonly use: ts.Identifier;
  readonly column: string;
};

/** What is assigned to an object after its declaration counts, too. */
function afterAssignments(
  declared: Judgement,
  { declaration, uses, use, column }: DeclaredObject,
): Judgement {
  let judgement = declared;
  for (const other of uses) {
    const { parent } = other;
    const access = ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent);
    if (!access || parent.expression !== other) {
      if (isAssignedInto(other)) judgement = hidden;
      continue;
    }
    const assignment = parent.parent;
    if (
      !ts.isBinaryExpression(assignment) ||
      assignment.left !== parent ||
      assignment.operatorToken.kind !== ts.SyntaxKind.EqualsToken
    )
      continue;
    const name = assignedName(parent);
    if (name === undefined) judgement = hidden;
    if (name !== column) continue;
    judgement =
      conditionOf(assignment, declaration) === undefined && assignment.pos < use.pos
        ? { kind: "set", value: assignment.right }
        : hidden;
  }
  return judgement;
}

function assignedName(
  access: ts.PropertyAccessExpression | ts.ElementAccessExpression,
): string | undefined {
  if (ts.isPropertyAccessExpression(access)) return access.name.text;
  const { argumentExpression } = access;
  return ts.isStringLiteralLike(argumentExpression) ? argumentExpression.text : undefined;
}

/** `Object.assign(payload, …)` */
function isAssignedInto(use: ts.MemberName): boolean {
  const { parent } = use;
  return (
    ts.isCallExpression(parent) &&
    parent.arguments[0] === use &&
    parent.expression.getText() === "Object.assign"
  );
}

function isLazy(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}
