// expect: select leads user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export const useLeads = () => () => supabase.from("leads").select("*");
