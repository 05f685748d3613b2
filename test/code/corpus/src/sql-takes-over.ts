// expect: sql leads fenced → left upsert-takes-over
// expect: sql leads fenced → left upsert-takes-over
// expect: sql leads fenced → left upsert-takes-over
// expect: sql leads fenced → left upsert-takes-over
// expect: sql leads fenced → unchanged
// expect: sql leads fenced → unchanged
// expect: sql leads fenced → unchanged
// expect: sql leads fenced → unchanged
// expect: sql area_codes no organization → unchanged
import { Pool } from "pg";

const pool = new Pool();
const insert = "INSERT INTO leads (id, phone, organization_id) VALUES ($1, $2, $3)";

export const moved = (values: string[]) =>
  pool.query(`${insert} ON CONFLICT (id) DO UPDATE SET organization_id = EXCLUDED.organization_id`, values);
export const changed = (values: string[]) =>
  pool.query(`WITH made AS (${insert} ON CONFLICT (id) DO UPDATE SET phone = $2 RETURNING *) SELECT 1`, values);
export const byName = (values: string[]) =>
  pool.query(`${insert} ON CONFLICT ON CONSTRAINT leads_pkey DO UPDATE SET phone = $2`, values);
export const ofTheNew = (values: string[]) =>
  pool.query(`${insert} ON CONFLICT (id) DO UPDATE SET phone = $2 WHERE EXCLUDED.organization_id = $3`, values);
export const ofOne = (values: string[]) =>
  pool.query(`${insert} ON CONFLICT (organization_id, phone) DO UPDATE SET phone = $2`, values);
export const compared = (values: string[]) =>
  pool.query(
    `${insert} ON CONFLICT (id) DO UPDATE SET phone = $2 WHERE leads.organization_id = EXCLUDED.organization_id`,
    values,
  );
export const valued = (values: string[]) =>
  pool.query(`${insert} ON CONFLICT (id) DO UPDATE SET phone = $2 WHERE leads.organization_id = $3`, values);
export const nothing = (values: string[]) => pool.query(`${insert} ON CONFLICT (id) DO NOTHING`, values);
export const shared = () =>
  pool.query("INSERT INTO area_codes (code) VALUES ('1') ON CONFLICT (code) DO UPDATE SET code = '1'");
