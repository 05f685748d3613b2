// expect: select leads user-key unfenced → fenced
// becomes: export const load = (organizationId: string) => supabase["from"]("leads").select("*").eq("organization_id", organizationId);
// runs: load(own)
import { supabase } from "@/client";

export const load = (organizationId: string) => supabase["from"]("leads").select("*");
