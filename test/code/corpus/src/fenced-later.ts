// expect: select leads user-key fenced → unchanged
// runs: search(own)
import { supabase } from "@/client";

export async function search(organizationId: string) {
  let query = supabase.from("leads").select("*");
  query = query.eq("organization_id", organizationId);
  return query;
}
