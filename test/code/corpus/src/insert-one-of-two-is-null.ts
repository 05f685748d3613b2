// expect: insert leads user-key (array filled by push) unfenced → fenced
// becomes: await supabase.from("leads").insert(rows.map((row) => ({ ...row, organization_id: organizationId })));
// runs: add(own)
import { supabase } from "@/client";

export async function add(organizationId: string) {
  const rows: object[] = [];
  rows.push({ phone: "1", organization_id: organizationId });
  rows.push({ phone: "2", organization_id: null });
  await supabase.from("leads").insert(rows);
}
