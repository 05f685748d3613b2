/** A node of a component, with the nodes that it leads to. */
type Member<Node> = { readonly node: Node; readonly leads: readonly Node[] };

/** The edges of a graph, and the answer of a strongly connected component. */
export type ComponentSolver<Node, Answer> = {
  /** The nodes that a node leads to. */
  readonly next: (node: Node) => readonly Node[];
  /**
   * The answer of all nodes of a component, which is most often a single node.
   * @param of the answer of a node outside the component; undefined for a node inside
   */
  readonly answer: (
    members: readonly Member<Node>[],
    of: (node: Node) => Answer | undefined,
  ) => Answer;
};

/**
 * Computes an answer for each node of a graph, once. Nodes of a circle get one answer together, so that it
 * does not depend on where the circle was entered. Tarjan's strongly connected components, without recursion,
 * because call chains can be deep.
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
  /** Its position among the nodes without an answer. */
  readonly position: number;
  /** The lowest position that it is known to lead to. */
  earliest: number;
  /** How many of its leads were visited. */
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

/** The facts of each node, and the edges. */
export type Reachability<Node, Said> = {
  readonly next: (node: Node) => readonly Node[];
  readonly said: (node: Node) => readonly Said[];
  /** The facts of a circle of nodes that have none. */
  readonly silent?: (nodes: readonly Node[]) => readonly Said[];
  /** The order of the facts of a circle, which has no first node. */
  readonly order?: (one: Said, other: Said) => number;
};

/** The facts of a node and of all nodes that it leads to, each once. */
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
