// expect: insert leads user-key (other) unfenced → fenced
// becomes: await supabase.from("leads").insert(rows.slice(at, at + 100).map((row) => ({ ...row, organization_id: organizationId })));
// runs: add(own, [{ phone: "1" }, { phone: "2", organization_id: theirs }])
import { supabase } from "@/client";

export async function add(organizationId: string, rows: { phone: string }[]) {
  for (let at = 0; at < rows.length; at += 100)
    await supabase.from("leads").insert(rows.slice(at, at + 100));
}
