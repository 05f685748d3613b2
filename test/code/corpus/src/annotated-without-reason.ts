// expect: select leads user-key unfenced → fenced
// left: annotation-without-reason
import { supabase } from "@/client";

export function total(organizationId: string) {
  // tenantry: all-organizations
  return supabase.from("leads").select("id");
}
