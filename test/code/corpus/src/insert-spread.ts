// expect: insert leads user-key (object with a spread) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...lead, status: "new", organization_id: organizationId });
// runs: add(own, { phone: "1", organization_id: theirs })
import { supabase } from "@/client";

export async function add(organizationId: string, lead: { phone: string }) {
  await supabase.from("leads").insert({ ...lead, status: "new" });
}
