// expect: insert leads user-key (declared earlier) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...lead, organization_id: organizationId });
// runs: add(own, "1", false)
import { supabase } from "@/client";

export async function add(organizationId: string, phone: string, own: boolean) {
  const lead: { phone: string; organization_id?: string } = { phone };
  if (own) lead.organization_id = organizationId;
  await supabase.from("leads").insert(lead);
}
