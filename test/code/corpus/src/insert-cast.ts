// expect: insert leads user-key (parameter) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...(lead as Lead), organization_id: organizationId });
// runs: add(own, { phone: "1", organization_id: theirs })
import { supabase } from "@/client";

type Lead = { phone: string };

export async function add(organizationId: string, lead: Lead & { id: number }) {
  await supabase.from("leads").insert(lead as Lead);
}
