// expect: select leads user-key unfenced → fenced
// becomes: supabase.from("leads").select("*").eq("organization_id", organizationId).match({ organization_id: organizationId, ...sent });
import { supabase } from "@/client";

export const load = (organizationId: string, sent: Record<string, string>) =>
  supabase.from("leads").select("*").match({ organization_id: organizationId, ...sent });
