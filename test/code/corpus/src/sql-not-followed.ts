// expect: sql ? unresolved → left unresolved-table
// expect: sql ? unresolved → left unresolved-table
// expect: sql ? unresolved → left unresolved-table
import connect from "postgres";
import make from "pg-promise";

const sql = connect("postgres://x.example");
const database = make({})("postgres://x.example");

export const unsafe = (text: string) => sql.unsafe(text);
export const any = (text: string) => database.any(text);
export const none = (text: string) => database.none(text, [1]);
export const other = (list: { any(text: string): boolean }, text: string) => list.any(text);
