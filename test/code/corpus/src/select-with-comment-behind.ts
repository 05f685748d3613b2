// expect: select leads user-key unfenced → fenced
// becomes: .select("*") // all of them
// becomes: .eq("organization_id", organizationId)
// runs: load(own)
import { supabase } from "@/client";

export const load = (organizationId: string) =>
  supabase
    .from("leads")
    .select("*") // all of them
    .neq("id", organizationId);
