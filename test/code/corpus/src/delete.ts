// expect: delete leads user-key unfenced → fenced
// becomes: const gone = await supabase.from("leads").delete().eq("organization_id", organizationId).in("id", ids).select();
// runs: remove(own, [mine.lead, other.lead])
import { supabase } from "@/client";

export async function remove(organizationId: string, ids: string[]) {
  const gone = await supabase.from("leads").delete().in("id", ids).select();
  return gone;
}
