// expect: update leads user-key (object with a spread) unfenced → fenced
// becomes: .update({ ...updates, changed: true, organization_id: undefined })
// runs: [await change(own, mine.lead, { organization_id: theirs }), await change(own, other.lead, { status: "taken" })]
import { supabase } from "@/client";

export async function change(organizationId: string, id: string, updates: object) {
  await supabase
    .from("leads")
    .update({ ...updates, changed: true })
    .eq("id", id);
}
