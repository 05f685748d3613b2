// expect: select leads user-key unfenced → fenced
// becomes: const query = supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: search(own)
import { supabase } from "@/client";

export async function search(organizationId: string) {
  const query = supabase.from("leads").select("*");
  query.eq("organization_id", organizationId);
  return query;
}
