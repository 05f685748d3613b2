// expect: insert leads user-key (declared earlier) fenced → unchanged
// runs: add(own, "1")
import { supabase } from "@/client";

export async function add(organizationId: string, phone: string) {
  const lead: { phone: string; organization_id?: string } = { phone };
  lead.organization_id = organizationId;
  await supabase.from("leads").insert(lead);
}
