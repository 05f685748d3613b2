// expect: select leads user-key unfenced → fenced
// becomes: const query = supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: load(own)
import { supabase } from "@/client";

export async function load(organizationId: string) {
  const query = supabase.from("leads").select("*");
  const own = await query.eq("organization_id", organizationId);
  const all = await query;
  return [own, all];
}
