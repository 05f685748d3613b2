/** The minor versions that PostgreSQL released on one day, by major version. */
export type Minors = Readonly<Record<number, number>>;

// The minors of the other majors were released on the same days as 15.19 and 15.20.
export const august2026: Minors = { 14: 24, 15: 19, 16: 15, 17: 11, 18: 5 };
export const november2026: Minors = { 14: 25, 15: 20, 16: 16, 17: 12, 18: 6 };

/** Whether a version was released on that day or later; a later major version was. */
export function isSince(minors: Minors, major: number, minor: number): boolean {
  const first = minors[major];
  return first === undefined
    ? major > Math.max(...Object.keys(minors).map(Number))
    : minor >= first;
}
