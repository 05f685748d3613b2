// expect: select leads user-key unfenced → fenced
// becomes: let query = supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: search(own, true)
import { supabase } from "@/client";

export async function search(organizationId: string, isAdmin: boolean) {
  let query = supabase.from("leads").select("*");
  if (!isAdmin) query = query.eq("organization_id", organizationId);
  return query;
}
