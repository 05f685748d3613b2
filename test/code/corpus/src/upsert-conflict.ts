// expect: upsert leads user-key (object) unfenced → fenced
// becomes: .upsert({ phone: "1", organization_id: organizationId }, { onConflict: "organization_id,phone" });
// runs: [await put(own), await put(own)]
import { supabase } from "@/client";

export async function put(organizationId: string) {
  await supabase
    .from("leads")
    .upsert({ phone: "1" }, { onConflict: "phone" });
}
