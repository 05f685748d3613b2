// expect: insert leads user-key (declared earlier) unfenced → fenced
// expect: insert leads user-key (declared earlier) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...lead, organization_id: organizationId });
// becomes: await supabase.from("leads").insert(leads.map((row: object) => ({ ...row, organization_id: organizationId })));
// runs: add(own, { phone: "1", rows: [{ phone: "2" }] })
import { supabase } from "@/client";

export async function add(organizationId: string, answer: any) {
  const lead: any = { phone: answer.phone };
  await supabase.from("leads").insert(lead);
  const leads = answer.rows.map((one: any) => ({ phone: one.phone }));
  await supabase.from("leads").insert(leads);
}
