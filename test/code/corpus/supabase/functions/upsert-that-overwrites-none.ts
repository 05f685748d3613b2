// expect: upsert leads service-role (object) unfenced → fenced
import { adminClient } from "./_shared/clients.ts";

export const kept = (organizationId: string) =>
  adminClient().from("leads").upsert({ id: "1" }, { onConflict: "id", ignoreDuplicates: true });
