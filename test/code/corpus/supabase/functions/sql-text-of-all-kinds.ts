// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads, campaigns fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
import { Pool } from "pg";

const pool = new Pool();

export const shown = () => pool.query("SELECT organization_id FROM leads ORDER BY id");
export const added = (own: string) =>
  pool.query("INSERT INTO leads (phone, organization_id) VALUES ('1', $1)", [own]);
export const joined = (own: string) =>
  pool.query(
    `SELECT * FROM leads AS l
       JOIN "campaigns" AS c ON c.id = l.campaign_id AND $1 = c.organization_id`,
    [own],
  );
export const gone = (id: string) => pool.query("DELETE FROM ONLY public.leads WHERE id = " + id);
