// expect: insert leads user-key (array filled by push) unfenced → fenced
// becomes: await supabase.from("leads").insert(rows.map((row) => ({ ...row, organization_id: organizationId })));
// runs: add(own, ["1"])
import { supabase } from "@/client";

export async function add(organizationId: string, phones: string[]) {
  const rows = [];
  for (const phone of phones) rows.push({ phone });
  await supabase.from("leads").insert(rows);
}
