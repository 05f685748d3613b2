// expect: insert leads user-key (parameter) unfenced → fenced
// becomes: await supabase.from("leads").insert(leads.map((row) => ({ ...row, organization_id: organizationId })));
// runs: add(own, [{ phone: "1", organization_id: theirs }])
import { supabase } from "@/client";

export async function add(organizationId: string, leads: readonly { phone: string }[]) {
  await supabase.from("leads").insert(leads);
}
