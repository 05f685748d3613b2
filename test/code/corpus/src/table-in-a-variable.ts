// expect: select leads user-key unfenced → fenced
// expect: insert leads user-key (object) unfenced → fenced
// becomes: const rows = await leads.select("*").eq("organization_id", organizationId);
// becomes: await leads.insert({ phone: "1", organization_id: organizationId });
// runs: both(own)
import { supabase } from "@/client";

export async function both(organizationId: string) {
  const leads = supabase.from("leads");
  const rows = await leads.select("*");
  await leads.insert({ phone: "1" });
  return rows;
}
