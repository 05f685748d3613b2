// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql call_logs unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
import { query } from "@/database";

const late = "select * from call_logs where id = $1";
const say = (text: string) => text;

export const load = (id: string) => query("SELECT * FROM leads WHERE id = $1", [id]);
export const own = (own: string) => query("SELECT * FROM leads WHERE organization_id = $1", [own]);
export const calls = (id: string) => query(late, [id]);
export const sorted = (by: string, way: string) => query(`SELECT * FROM leads ORDER BY ${by} ${way}`, []);
export const labels = [
  say("Select leads from campaigns"),
  say("Update leads"),
  say("select one of the leads from campaigns"),
  say("Delete"),
];
