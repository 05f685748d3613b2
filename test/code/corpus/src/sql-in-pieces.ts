// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
// expect: sql ? unresolved → left unresolved-table
// expect: sql ? unresolved → left unresolved-table
// expect: sql ? not judged → unchanged
import { Pool, type PoolClient } from "pg";

const pool = new Pool();
const table = "leads";
const queries = { own: "SELECT * FROM leads WHERE organization_id = $1" };

export const named = () => pool.query(`SELECT * FROM ${table} ORDER BY id`);
export const kept = (own: string) => pool.query(queries.own, [own]);
export function search(own: string, status?: string) {
  let text = "SELECT * FROM leads WHERE organization_id = $1";
  if (status !== undefined) text += " OR status = $2";
  return pool.query(text, [own, status]);
}
export function filtered(own: string, status?: string) {
  const values = [own];
  let text = "SELECT * FROM leads WHERE organization_id = $1";
  if (status !== undefined) {
    values.push(status);
    text += ` AND status = $${values.length}`;
  }
  return pool.query(text + " ORDER BY id", values);
}
export const sometimes = (own: string, isAdmin: boolean) =>
  pool.query(`SELECT * FROM leads ${isAdmin ? "" : "WHERE organization_id = $1"}`, [own]);
export const always = (own: string, sort: boolean) =>
  pool.query(["SELECT * FROM leads", "WHERE organization_id = $1", sort ? "ORDER BY id" : ""].join("\n"), [own]);
export const unreadable = (own: string, more: string) =>
  pool.query(`SELECT * FROM leads WHERE organization_id = $1 ${more}`, [own]);
export const anything = (client: PoolClient, text: string) => client.query(text);
export const anyTable = (name: string) => pool.query(`SELECT * FROM ${name}`);
export const called = () => pool.query("SELECT next_lead($1)", ["x"]);
