/** PostgreSQL's minor versions of one day, by major. */
export type Minors = Readonly<Record<number, number>>;

// The other majors' are of the same days as 15.19 and 15.20.
export const august2026: Minors = { 14: 24, 15: 19, 16: 15, 17: 11, 18: 5 };
export const november2026: Minors = { 14: 25, 15: 20, 16: 16, 17: 12, 18: 6 };

/** Whether a version is of that day or later; a later major is. */
export function isSince(minors: Minors, major: number, minor: number): boolean {
  const first = minors[major];
  return first === undefined
    ? major > Math.max(...Object.keys(minors).map(Number))
    : minor >= first;
}
