// expect: select leads user-key unlisted → left unlisted-table
// expect: select leads user-key unlisted → left unlisted-table
import { createClient } from "@supabase/supabase-js";
import { supabase } from "@/client";

const crm = supabase.schema("crm");
const key = import.meta.env.VITE_SUPABASE_ANON_KEY ?? "";
const other = createClient("https://x.example", key, { db: { schema: "crm" } });

export const load = (organizationId: string) => crm.from("leads").select(organizationId);
export const again = (organizationId: string) => other.from("leads").select(organizationId);
