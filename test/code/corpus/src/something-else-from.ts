// expect: none
const moment = { from: (text: string) => text };
export const text = moment.from("leads");
