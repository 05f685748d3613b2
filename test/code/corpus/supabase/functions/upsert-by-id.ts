// expect: upsert leads service-role (parameter) unfenced → left insert-without-organization, upsert-takes-over
// expect: upsert leads service-role (object) unfenced → fenced
// expect: upsert leads service-role (object) unfenced → left insert-without-organization, upsert-takes-over
// expect: upsert leads service-role (object) unfenced → fenced
// expect: upsert campaigns user-key (object) unfenced → fenced
import { adminClient, callerClient } from "./_shared/clients.ts";

type Lead = { id: string; phone: string };

export const put = (organizationId: string, leads: Lead[]) =>
  adminClient().from("leads").upsert(leads);
export const fresh = (organizationId: string) => adminClient().from("leads").upsert({ name: "new" });
export const byUser = (organizationId: string) =>
  adminClient().from("leads").upsert({ phone: "1" }, { onConflict: "user_id" });
export const byPhone = (organizationId: string) =>
  adminClient().from("leads").upsert({ phone: "1" }, { onConflict: "phone" });
export const asUser = (organizationId: string) =>
  callerClient("").from("campaigns").upsert({ id: "1" });
