// expect: select leads user-key unfenced → fenced
// expect: select leads user-key fenced → unchanged
// becomes: if (mine) query = supabase.from("leads").select("id").eq("organization_id", organizationId);
// runs: [await search(own, true), await search(own, false)]
import { supabase } from "@/client";

export async function search(organizationId: string, mine: boolean) {
  let query;
  if (mine) query = supabase.from("leads").select("id");
  else query = supabase.from("leads").select("*").eq("organization_id", organizationId);
  return query.order("id");
}
