// expect: insert leads user-key (array) unfenced → fenced
// becomes: await supabase.from("leads").insert([{ ...lead, organization_id: organizationId }]);
import { supabase } from "@/client";

export async function add(organizationId: string, lead: any) {
  await supabase.from("leads").insert([lead]);
}
