// expect: insert leads user-key (map) unfenced → fenced
// becomes: await supabase.from("leads").insert(leads.map((lead) => ({ ...lead, organization_id: organizationId })));
// runs: add(own, [{ phone: "1", organization_id: theirs }])
import { supabase } from "@/client";

export async function add(organizationId: string, leads: { phone: string }[]) {
  await supabase.from("leads").insert(leads.map((lead) => lead));
}
