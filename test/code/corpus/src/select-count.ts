// expect: select leads user-key unfenced → fenced
// becomes: .eq("organization_id", organizationId);
// runs: count(own)
import { supabase } from "@/client";

export async function count(organizationId: string) {
  const { count: found } = await supabase
    .from("leads")
    .select("id", { count: "exact", head: true });
  return found;
}
