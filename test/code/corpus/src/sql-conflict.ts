// expect: sql leads fenced → left conflict-columns
// expect: sql leads fenced → unchanged
import { Pool } from "pg";

const pool = new Pool();

export const old = (own: string) =>
  pool.query("INSERT INTO leads (phone, organization_id) VALUES ('1', $1) ON CONFLICT (phone) DO NOTHING", [own]);
export const now = (own: string) =>
  pool.query(
    "INSERT INTO leads (phone, organization_id) VALUES ('1', $1) ON CONFLICT (organization_id, phone) DO NOTHING",
    [own],
  );
