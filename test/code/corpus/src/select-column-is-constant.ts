// expect: select leads user-key fenced → unchanged
import { supabase } from "@/client";

const COLUMN = "organization_id";

export const load = (own: string) => supabase.from("leads").select("*").eq(COLUMN, own);
