// expect: select area_codes service-role no organization → left embedded-table
import { adminClient } from "./_shared/clients.ts";

export const codes = (organizationId: string) =>
  adminClient().from("area_codes").select("code, leads(phone)").neq("code", organizationId);
