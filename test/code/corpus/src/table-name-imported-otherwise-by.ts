// expect: none
import anything, { default as other } from "./table-name-imported-otherwise";

export const leads = (own: string) => anything("leads", own);
export const campaigns = (own: string) => other("campaigns", own);
