// expect: select leads user-key annotated → unchanged
// expect: select campaigns user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export async function both() {
  // tenantry: all-organizations because the landing page counts
  const leads = await supabase.from("leads").select("id");
  const campaigns = await supabase.from("campaigns").select("id");
  return [leads, campaigns];
}
