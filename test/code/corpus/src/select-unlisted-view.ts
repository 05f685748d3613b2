// expect: select lead_totals user-key unlisted → left unlisted-table
import { supabase } from "@/client";

export const totals = (organizationId: string) => supabase.from("lead_totals").select("*").neq("x", organizationId);
