// expect: upsert leads user-key (object) unfenced → fenced
// becomes: .upsert({ name: "1", organization_id: organizationId }, { onConflict: 'organization_id, name, user_id', ignoreDuplicates: true });
// runs: [await put(own), await put(own)]
import { supabase } from "@/client";

export async function put(organizationId: string) {
  await supabase
    .from("leads")
    .upsert({ name: "1" }, { onConflict: 'name, user_id', ignoreDuplicates: true });
}
