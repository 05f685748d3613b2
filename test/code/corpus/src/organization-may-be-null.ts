// expect: select leads user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export function load(organizationId: string | null) {
  return organizationId === "" ? undefined : supabase.from("leads").select("*");
}
