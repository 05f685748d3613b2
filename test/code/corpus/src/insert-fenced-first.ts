// expect: insert leads user-key (object) fenced → unchanged
// runs: add(own)
import { supabase } from "@/client";

export const add = (organization_id: string) => supabase.from("leads").insert({ organization_id, phone: "1" });
