// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads, call_logs fenced → unchanged
// expect: sql area_codes no organization → unchanged
// expect: sql leads unfenced → left unfenced-sql
import { Pool } from "pg";

const pool = new Pool();
const late = `UPDATE public.leads SET late = TRUE WHERE id = $1`;

export const all = () => pool.query("SELECT * FROM leads WHERE id = $1", [1]);
export const own = (id: string) =>
  pool.query({
    text: "SELECT * FROM leads AS l JOIN call_logs AS c ON c.lead_id = l.id WHERE l.organization_id = $1",
    values: [id],
  });
export const codes = () => pool.query(`SELECT * FROM area_codes`);
export const slow = () => pool.query(late);
