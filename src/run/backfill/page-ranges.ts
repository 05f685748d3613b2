/** Pages of a table: from `from` to before `to`. */
export type PageRange = { readonly from: number; readonly to: number };

/**
 * The pages of a table in ranges, for several sessions, with those that are not committed yet: the
 * journal has one cursor, and every page before it must be filled.
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

  /** How many pages are done, in any order. */
  get done(): number {
    return this.#done;
  }

  /** The next range, or undefined when none is left. The caller must finish it. */
  take(pages: number): PageRange | undefined {
    if (this.#next >= this.#total) return undefined;
    const range = { from: this.#next, to: Math.min(this.#next + pages, this.#total) };
    this.#next = range.to;
    this.#underWay.add(range);
    return range;
  }

  /** The first page that is not certainly filled once this range is committed. */
  cursorBehind(range: PageRange): number {
    const others = [...this.#underWay].filter((other) => other !== range);
    return Math.min(this.#next, ...others.map(({ from }) => from));
  }

  finish(range: PageRange): void {
    this.#underWay.delete(range);
    this.#done += range.to - range.from;
  }
}
