// expect: select area_codes user-key no organization → unchanged
import { supabase } from "@/client";

export const codes = () => supabase.from("area_codes").select("*");
