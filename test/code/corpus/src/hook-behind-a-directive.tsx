"use client";
// expect: select leads user-key unfenced → left unfenced-query
// expect: select campaigns user-key unfenced → fenced
// becomes: import { useOrganization } from "@/organization";
// becomes: const { organizationId } = useOrganization();
import { supabase } from "@/client";

export async function Page() {
  return supabase.from("leads").select("*");
}

export function Campaigns() {
  return supabase.from("campaigns").select("*");
}
