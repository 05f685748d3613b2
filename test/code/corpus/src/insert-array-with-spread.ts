// expect: insert leads user-key (array) unfenced → fenced
// becomes: await supabase.from("leads").insert([...old.map((row) => ({ ...row, organization_id: organizationId })), { ...fresh, organization_id: organizationId }]);
// runs: add(own, [{ phone: "1", organization_id: theirs }], { phone: "2", organization_id: theirs })
import { supabase } from "@/client";

type Lead = { phone: string };

export async function add(organizationId: string, old: Lead[], fresh: Lead) {
  await supabase.from("leads").insert([...old, fresh]);
}
