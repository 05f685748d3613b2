// expect: select leads user-key unfenced → fenced
// becomes: supabase.from("leads").select("*").eq("organization_id", organizationId).match({ organization_id: organizationId, ...sent });
// runs: [await load(own, { status: "new" }), await load(own, { organization_id: theirs })]
import { supabase } from "@/client";

export const load = (organizationId: string, sent: Record<string, string>) =>
  supabase.from("leads").select("*").match({ organization_id: organizationId, ...sent });
