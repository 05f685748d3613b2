// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads, campaigns unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql area_codes, leads, campaigns unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
import { Pool } from "pg";

const pool = new Pool();

export const either = (own: string) =>
  pool.query("SELECT * FROM leads WHERE status = 'new' OR organization_id = $1", [own]);
export const others = (own: string) => pool.query("SELECT * FROM leads WHERE organization_id <> $1", [own]);
export const itself = () => pool.query("SELECT * FROM leads WHERE organization_id = organization_id");
export const none = () => pool.query("SELECT * FROM leads WHERE organization_id = NULL");
export const returned = (phone: string) =>
  pool.query("INSERT INTO leads (phone) VALUES ($1) RETURNING organization_id", [phone]);
export const added = (own: string) =>
  pool.query("SELECT id FROM leads WHERE organization_id = $1 UNION ALL SELECT id FROM campaigns", [own]);
export const second = (own: string) =>
  pool.query("SELECT * FROM leads WHERE organization_id = $1; DELETE FROM leads", [own]);
export const within = (own: string) =>
  pool.query("WITH gone AS (DELETE FROM leads RETURNING *) SELECT * FROM gone WHERE organization_id = $1", [own]);
export const emptied = () => pool.query("TRUNCATE area_codes, leads, campaigns");
export const copied = () => pool.query("COPY leads TO STDOUT");
export const commented = (own: string) =>
  pool.query("-- WHERE organization_id = $1\nSELECT * FROM leads", [own]);
