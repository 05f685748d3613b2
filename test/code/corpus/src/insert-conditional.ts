// expect: insert leads user-key (conditional) unfenced → fenced
// becomes: .insert(isNew ? { phone: "1", organization_id: organizationId } : { ...lead, organization_id: organizationId });
// runs: [await add(own, true, { phone: "1" }), await add(own, false, { phone: "2", organization_id: theirs })]
import { supabase } from "@/client";

export async function add(organizationId: string, isNew: boolean, lead: { phone: string }) {
  await supabase
    .from("leads")
    .insert(isNew ? { phone: "1" } : lead);
}
