// expect: select leads user-key unfenced → fenced
// becomes: let query = supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: load(own)
import { supabase } from "@/client";

export async function load(organizationId: string) {
  let query = supabase.from("leads").select("*");
  const all = await query;
  query = query.eq("organization_id", organizationId);
  return [all, await query];
}
