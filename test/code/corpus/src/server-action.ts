"use server";
// expect: select leads service-role unfenced → left unfenced-query
// expect: select leads service-role fenced → left organization-from-request
// expect: select leads user-key unfenced → fenced
// expect: select leads service-role unfenced → fenced
import { createClient } from "@supabase/supabase-js";
import { supabase } from "@/client";

const admin = createClient("https://x.example", import.meta.env.SUPABASE_SERVICE_ROLE_KEY ?? "");

export async function load(organizationId: string) {
  return admin.from("leads").select("*");
}
export async function loadFor(organizationId: string) {
  return admin.from("leads").select("*").eq("organization_id", organizationId);
}
export async function asUser(organizationId: string) {
  return supabase.from("leads").select("*");
}
async function within(organizationId: string) {
  return admin.from("leads").select("*");
}
export const known = async () => within("00000000-0000-0000-0000-00000000000a");
