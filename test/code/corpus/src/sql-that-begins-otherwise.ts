// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads, campaigns unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
import { Pool } from "pg";

const pool = new Pool();

export const all = () => pool.query("BEGIN; UPDATE leads SET status = 'late'; COMMIT");
export const own = () =>
  pool.query("BEGIN; UPDATE leads SET status = 'late' WHERE organization_id = 'a'; COMMIT");
export const cursor = () => pool.query("DECLARE rows CURSOR FOR SELECT * FROM leads");
export const copied = () => pool.query("CREATE TEMP TABLE kept AS SELECT * FROM leads");
export const joined = () =>
  pool.query("(SELECT id FROM leads) UNION (SELECT id FROM campaigns WHERE organization_id = 'a')");
export const explained = () => pool.query("EXPLAIN ANALYZE DELETE FROM leads");
export const table = () => pool.query("TABLE leads");
export const planned = (own: string) =>
  pool.query("EXPLAIN SELECT * FROM leads WHERE organization_id = $1", [own]);
export const inPart = (rest: string, more: string) =>
  pool.query(`BEGIN; DELETE FROM leads ${rest} ${more}; COMMIT`);
export const made = () => pool.query("CREATE TABLE IF NOT EXISTS leads (id uuid)");
export const locked = () => pool.query("BEGIN");
