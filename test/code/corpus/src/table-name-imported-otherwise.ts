// expect: select area_codes or leads or campaigns user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export default function load(table: string, organizationId: string) {
  return supabase.from(table).select("*");
}

export const codes = (own: string) => load("area_codes", own);
