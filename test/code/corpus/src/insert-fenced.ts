// expect: insert leads user-key (object) fenced → unchanged
// runs: add(own)
import { supabase } from "@/client";

export const add = (own: string) => supabase.from("leads").insert({ phone: "1", organization_id: own });
