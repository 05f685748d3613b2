// expect: insert leads user-key (array filled by push) unfenced → fenced
// becomes: await supabase.from("leads").insert(rows.map((row) => ({ ...row, organization_id: organizationId })));
// runs: add(own, { phone: "1", organization_id: theirs })
import { supabase } from "@/client";

export async function add(organizationId: string, other: object) {
  const rows: object[] = [];
  rows.push({ phone: "1", organization_id: organizationId });
  rows[0] = other;
  await supabase.from("leads").insert(rows);
}
