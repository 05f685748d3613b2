// expect: select leads user-key fenced → unchanged
import { supabase } from "@/client";

export function load(organizationId: string) {
  return supabase.from("leads").select("*").eq("organization_id", organizationId);
}
