// expect: select leads user-key unfenced → fenced
// becomes: return supabase.from("leads").select("*, calls:call_logs(id, sms_messages!inner(id)), amount.sum()").eq("organization_id", organizationId);
import { supabase } from "@/client";

export function load(organizationId: string) {
  return supabase.from("leads").select("*, calls:call_logs(id, sms_messages!inner(id)), amount.sum()");
}
