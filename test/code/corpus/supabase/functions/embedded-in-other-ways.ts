// expect: select area_codes service-role no organization → left embedded-table
// expect: select area_codes service-role no organization → left embedded-table
// expect: select area_codes service-role no organization → left embedded-table
// expect: select area_codes service-role no organization → left embedded-table
// expect: select area_codes service-role no organization → left embedded-table
// expect: select area_codes service-role no organization → unchanged
// expect: select area_codes service-role no organization → unchanged
// expect: select area_codes service-role no organization → unchanged
// expect: select area_codes user-key no organization → unchanged
import { adminClient, callerClient } from "./_shared/clients.ts";

const codes = () => adminClient().from("area_codes");
const own = "code";

export const spread = () => codes().select("code, ...leads(phone)");
export const byColumn = () => codes().select("code, owner:lead_id(phone)");
export const byName = () => codes().select("code, area_codes_lead_id_fkey(phone)");
export const unread = (columns: string) => codes().select(columns);
export const inPart = (columns: string) => codes().select(`code, ${columns}`);
export const made = (isLong: boolean) => codes().select(`${own}, ${isLong ? "name" : "id"}` + ", count()");
export const other = () => codes().select("code, parent:area_codes(code), ...schema_migrations(at), size.sum()");
export const fenced = (organizationId: string) =>
  codes().select("code, ...leads(phone)").eq("leads.organization_id", organizationId);
export const asUser = (columns: string) => callerClient("").from("area_codes").select(columns);
