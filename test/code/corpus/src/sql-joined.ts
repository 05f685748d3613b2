// expect: sql leads, campaigns unfenced → left unfenced-sql
// expect: sql leads, campaigns unfenced → left unfenced-sql
// expect: sql leads, campaigns fenced → unchanged
// expect: sql call_logs, leads fenced → unchanged
// expect: sql leads, call_logs fenced → unchanged
// expect: sql call_logs, leads fenced → unchanged
// expect: sql leads, campaigns unfenced → left unfenced-sql
// expect: sql leads, area_codes fenced → unchanged
import { Pool } from "pg";

const pool = new Pool();

export const eachOther = () =>
  pool.query("SELECT * FROM leads l JOIN campaigns c ON c.organization_id = l.organization_id");
export const optional = (own: string) =>
  pool.query("SELECT * FROM leads l LEFT JOIN campaigns c ON c.organization_id = $1", [own]);
export const bound = (own: string) =>
  pool.query("SELECT * FROM leads l LEFT JOIN campaigns c ON c.id = l.id WHERE l.organization_id = $1", [own]);
export const asked = (own: string) =>
  pool.query(
    "SELECT * FROM call_logs c WHERE EXISTS (SELECT 1 FROM leads l WHERE l.id = c.lead_id AND l.organization_id = $1)",
    [own],
  );
export const made = (own: string) =>
  pool.query(
    "WITH mine AS (SELECT * FROM leads WHERE organization_id = $1) SELECT * FROM mine JOIN call_logs c ON c.lead_id = mine.id",
    [own],
  );
export const counted = (own: string) =>
  pool.query(
    "SELECT l.*, (SELECT count(*) FROM call_logs c WHERE c.lead_id = l.id) FROM leads l WHERE l.organization_id = $1",
    [own],
  );
export const listed = () => pool.query("SELECT * FROM leads, campaigns");
export const shared = (own: string) =>
  pool.query("SELECT * FROM leads JOIN area_codes USING (area_code) WHERE organization_id = ANY ($1)", [[own]]);
