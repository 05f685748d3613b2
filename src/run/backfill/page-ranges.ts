/** Pages of a table, from the first to before the last. */
export type PageRange = { readonly from: number; readonly to: number };

/**
 * Hands out ranges of pages to those who fill them, and knows which are not committed yet: the
 * journal has one cursor, and nothing before it may be left.
 */
export class PageRanges {
  #next: number;
  #done: number;
  readonly #total: number;
  readonly #underWay = new Set<PageRange>();

  constructor(first: number, total: number) {
    this.#next = first;
    this.#done = first;
    this.#total = total;
  }

  /** How many pages are done, in whatever order. */
  get done(): number {
    return this.#done;
  }

  /** The next range, or undefined when there is none left. It is under way until it is finished. */
  take(pages: number): PageRange | undefined {
    if (this.#next >= this.#total) return undefined;
    const range = { from: this.#next, to: Math.min(this.#next + pages, this.#total) };
    this.#next = range.to;
    this.#underWay.add(range);
    return range;
  }

  /** The first page that may be left once this range is committed. */
  cursorBehind(range: PageRange): number {
    const others = [...this.#underWay].filter((other) => other !== range);
    return Math.min(this.#next, ...others.map(({ from }) => from));
  }

  finish(range: PageRange): void {
    this.#underWay.delete(range);
    this.#done += range.to - range.from;
  }
}
