// expect: none
export const numbers = Array.from({ length: 3 }, (_, index) => index);
export const bytes = Uint8Array.from([1, 2]);
