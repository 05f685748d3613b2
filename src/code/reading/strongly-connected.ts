/** A node that is part of a component, with the nodes that it leads to. */
type Member<Node> = { readonly node: Node; readonly leads: readonly Node[] };

/** What can be followed from a node, and what a component of nodes comes to. */
export type ComponentSolver<Node, Answer> = {
  /** The nodes that one leads to. */
  readonly next: (node: Node) => readonly Node[];
  /**
   * The one answer of nodes that all lead to one another: most often it is a single node.
   * @param of the answers of what is outside; undefined for what is inside
   */
  readonly answer: (
    members: readonly Member<Node>[],
    of: (node: Node) => Answer | undefined,
  ) => Answer;
};

/**
 * Answers a question of nodes that lead to others, each node once. Functions that call one another in a
 * circle are answered together, so that no answer depends on where the circle was entered: Tarjan's strongly
 * connected components, without recursion, because calls can be many deep.
 */
export function answerByComponent<Node extends object, Answer>(
  following: ComponentSolver<Node, Answer>,
): (node: Node) => Answer {
  const known = new Map<Node, { readonly answer: Answer }>();
  return (asked) => {
    const found = known.get(asked) ?? solve(asked, following, known).get(asked);
    if (found === undefined) throw new Error("a node is in no component");
    return found.answer;
  };
}

type Visit<Node> = Member<Node> & {
  /** Where it stands among the nodes that are not answered yet. */
  readonly position: number;
  /** The first of these that it is known to lead to. */
  earliest: number;
  /** How many of its leads were gone. */
  gone: number;
};

function solve<Node extends object, Answer>(
  start: Node,
  { next, answer }: ComponentSolver<Node, Answer>,
  known: Map<Node, { readonly answer: Answer }>,
): ReadonlyMap<Node, { readonly answer: Answer }> {
  const open: Member<Node>[] = [];
  const positions = new Map<Node, number>();
  const way: Visit<Node>[] = [];
  const enter = (node: Node): void => {
    const member = { node, leads: next(node) };
    const position = open.push(member) - 1;
    positions.set(node, position);
    way.push({ ...member, position, earliest: position, gone: 0 });
  };
  enter(start);
  for (let visit = way.at(-1); visit !== undefined; visit = way.at(-1)) {
    const lead = visit.leads[visit.gone];
    if (lead !== undefined) {
      visit.gone += 1;
      const position = positions.get(lead);
      if (known.has(lead)) continue;
      if (position === undefined) enter(lead);
      else visit.earliest = Math.min(visit.earliest, position);
      continue;
    }
    way.pop();
    const before = way.at(-1);
    if (before !== undefined) before.earliest = Math.min(before.earliest, visit.earliest);
    if (visit.earliest < visit.position) continue;
    const members = open.splice(visit.position);
    const found = { answer: answer(members, (node) => known.get(node)?.answer) };
    for (const { node } of members) known.set(node, found);
  }
  return known;
}

/** What nodes say themselves, and what they lead to. */
export type Reachability<Node, Said> = {
  readonly next: (node: Node) => readonly Node[];
  readonly said: (node: Node) => readonly Said[];
  /** What it comes to where nodes lead to one another only, and none says anything. */
  readonly silent?: (nodes: readonly Node[]) => readonly Said[];
  /** The order of what a circle says, which has no first node. */
  readonly order?: (one: Said, other: Said) => number;
};

/** All that a node says, and that the nodes say which it leads to, each once. */
export function collectReachable<Node extends object, Said>({
  next,
  said,
  silent,
  order,
}: Reachability<Node, Said>): (node: Node) => ReadonlySet<Said> {
  return answerByComponent<Node, ReadonlySet<Said>>({
    next,
    answer(members, of) {
      const all = new Set<Said>();
      for (const { node, leads } of members) {
        for (const one of said(node)) all.add(one);
        for (const lead of leads) for (const one of of(lead) ?? []) all.add(one);
      }
      const isCircle =
        members.length > 1 || members.some(({ node, leads }) => leads.includes(node));
      if (!isCircle) return all;
      if (all.size === 0) return new Set(silent?.(members.map(({ node }) => node)));
      return new Set([...all].sort(order));
    },
  });
}
