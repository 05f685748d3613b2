// expect: insert leads user-key (object) unfenced → fenced
// becomes: export const add = (organizationId: string) => supabase.from("leads").insert({ organization_id: organizationId });
// runs: add(own)
import { supabase } from "@/client";

export const add = (organizationId: string) => supabase.from("leads").insert({});
