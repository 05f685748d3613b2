// expect: select leads user-key unfenced → fenced
// becomes: return supabase.from("leads").select("*").eq("organization_id", organizationId).or("organization_id.eq.1,shared.is.true");
import { supabase } from "@/client";

export function load(organizationId: string) {
  return supabase.from("leads").select("*").or("organization_id.eq.1,shared.is.true");
}
