// expect: select leads user-key fenced → unchanged
// runs: load(own)
import { supabase } from "@/client";

export async function load(organizationId: string) {
  const query = supabase.from("leads").select("*");
  return await query.eq("organization_id", organizationId);
}
