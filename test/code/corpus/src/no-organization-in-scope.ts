// expect: select leads user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export const everything = () => supabase.from("leads").select("*");
