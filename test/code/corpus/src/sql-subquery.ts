// expect: sql leads, organization_users unfenced → left unfenced-sql
// expect: sql leads, organizations unfenced → left unfenced-sql
// expect: sql leads, organization_users unfenced → left unfenced-sql
// expect: sql leads, organizations unfenced → left unfenced-sql
// expect: sql leads, organization_users fenced → unchanged
// expect: sql leads, organization_users fenced → unchanged
// expect: sql leads, organization_users fenced → unchanged
// expect: sql organization_users, leads fenced → unchanged
// expect: sql leads fenced → unchanged
// expect: sql leads, organization_users, users fenced → unchanged
// expect: sql organizations, leads unfenced → left unfenced-sql
// expect: sql leads, organization_users unfenced → left unfenced-sql
import { Pool } from "pg";

const pool = new Pool();

export const elsewhere = (id: string, user: string, own: string) =>
  pool.query(
    `SELECT l.* FROM leads l WHERE l.id = $1 AND EXISTS (
       SELECT 1 FROM organization_users ou WHERE ou.user_id = $2 AND ou.organization_id = $3)`,
    [id, user, own],
  );
export const active = () =>
  pool.query(
    "DELETE FROM leads WHERE organization_id IN (SELECT id FROM organizations WHERE status = 'active')",
  );
export const anybody = (id: string) =>
  pool.query(
    `SELECT l.* FROM leads l WHERE l.id = $1 AND EXISTS (
       SELECT 1 FROM organization_users ou WHERE ou.organization_id = l.organization_id)`,
    [id],
  );
export const every = () =>
  pool.query("SELECT * FROM leads WHERE organization_id = ANY (SELECT id FROM organizations)");
export const member = (user: string) =>
  pool.query(
    "SELECT * FROM leads WHERE organization_id IN (SELECT organization_id FROM organization_users WHERE user_id = $1)",
    [user],
  );
export const memberOf = (user: string) =>
  pool.query(
    `SELECT l.* FROM leads l WHERE EXISTS (
       SELECT 1 FROM organization_users ou WHERE ou.user_id = $1 AND ou.organization_id = l.organization_id)`,
    [user],
  );
export const memberOfOne = (own: string) =>
  pool.query(
    `DELETE FROM leads WHERE EXISTS (
       SELECT 1 FROM organization_users ou WHERE ou.organization_id = $1 AND ou.organization_id = leads.organization_id)`,
    [own],
  );
export const made = (user: string) =>
  pool.query(
    `WITH mine AS (SELECT organization_id FROM organization_users WHERE user_id = $1)
     SELECT * FROM leads WHERE organization_id IN (SELECT organization_id FROM mine)`,
    [user],
  );
export const listed = (own: string[]) =>
  pool.query("SELECT * FROM leads WHERE organization_id IN (SELECT unnest($1::uuid[]))", [own]);
export const byMail = (mail: string) =>
  pool.query(
    `SELECT * FROM leads WHERE organization_id IN (
       SELECT ou.organization_id FROM organization_users ou JOIN users u ON u.id = ou.user_id WHERE u.email = $1)`,
    [mail],
  );
export const madeOfAll = () =>
  pool.query(
    `WITH active AS (SELECT id FROM organizations WHERE status = 'active')
     SELECT * FROM leads WHERE organization_id IN (SELECT id FROM active)`,
  );
export const ofItself = (id: string) =>
  pool.query(
    `SELECT l.* FROM leads l WHERE EXISTS (
       SELECT 1 FROM organization_users ou WHERE ou.organization_id = l.organization_id AND l.id = $1)`,
    [id],
  );
