// expect: insert leads user-key (declared earlier) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...lead, organization_id: organizationId });
// runs: add(own, { organization_id: theirs })
import { supabase } from "@/client";

export async function add(organizationId: string, sent: object) {
  const lead = { phone: "1", organization_id: organizationId };
  Object.assign(lead, sent);
  await supabase.from("leads").insert(lead);
}
