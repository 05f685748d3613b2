// expect: insert leads user-key (declared earlier) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...lead, organization_id: organizationId });
// runs: add(own, "1")
import { supabase } from "@/client";

export async function add(organizationId: string, phone: string) {
  const lead = { phone, status: "new" };
  await supabase.from("leads").insert(lead);
}
