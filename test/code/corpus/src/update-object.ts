// expect: update leads user-key (object) unfenced → fenced
// becomes: .update({ status: "called" })
// becomes: .eq("organization_id", organizationId)
// runs: [await call(own, mine.lead), await call(own, other.lead)]
import { supabase } from "@/client";

export async function call(organizationId: string, id: string) {
  await supabase
    .from("leads")
    .update({ status: "called" })
    .eq("id", id);
}
