// expect: select leads user-key unfenced → fenced
// becomes: return supabase.from("leads").select("*").eq("organization_id", organizationId).neq("organization_id", "x");
import { supabase } from "@/client";

export function load(organizationId: string) {
  return supabase.from("leads").select("*").neq("organization_id", "x");
}
