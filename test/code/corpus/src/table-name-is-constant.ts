// expect: select leads user-key unfenced → fenced
// expect: delete campaigns user-key unfenced → fenced
// runs: [await load(own), await clear(own)]
import { supabase } from "@/client";

const LEADS = "leads";
const TABLES = { campaigns: "campaigns" } as const;

export const load = (organizationId: string) => supabase.from(LEADS).select("*");
export const clear = (organizationId: string) => supabase.from(TABLES.campaigns).delete();
