// expect: update leads user-key (other) unfenced → fenced
// becomes: .update({ ...args.updates, organization_id: undefined })
// runs: [await change(own, { id: mine.lead, updates: { status: "called", organization_id: theirs } }), await change(own, { id: other.lead, updates: { status: "taken" } })]
import { supabase } from "@/client";

export async function change(organizationId: string, args: { id: string; updates: object }) {
  await supabase
    .from("leads")
    .update(args.updates)
    .eq("id", args.id);
}
