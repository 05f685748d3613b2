// expect: select leads user-key unlisted → left unlisted-table
import { supabase } from "@/client";

export const totals = () => supabase.schema("crm").from("leads").select("*");
