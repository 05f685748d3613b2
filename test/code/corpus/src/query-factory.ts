// expect: select leads user-key unfenced → fenced
// becomes: const base = (organizationId: string) => supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: fresh(own)
import { supabase } from "@/client";

const base = (organizationId: string) => supabase.from("leads").select("*");

export const fresh = (own: string) => base(own).eq("status", "new");
