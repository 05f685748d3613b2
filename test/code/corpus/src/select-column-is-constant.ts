// expect: select leads user-key fenced → unchanged
// runs: load(own)
import { supabase } from "@/client";

const COLUMN = "organization_id";

export const load = (own: string) => supabase.from("leads").select("*").eq(COLUMN, own);
