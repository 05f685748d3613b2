// expect: upsert leads user-key (parameter) unfenced → left insert-without-organization, conflict-columns
import { supabase } from "@/client";

export const put = (organizationId: string, lead: any) => [
  supabase.from("leads").upsert(lead, { onConflict: "phone" }),
  organizationId,
];
