// expect: insert leads user-key (array filled by push) fenced → unchanged
// runs: add(own, ["1"])
import { supabase } from "@/client";

export async function add(organizationId: string, phones: string[]) {
  const rows: { phone: string; organization_id: string }[] = [];
  for (const phone of phones) rows.push({ phone, organization_id: organizationId });
  await supabase.from("leads").insert(rows);
}
