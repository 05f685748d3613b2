// expect: select leads service-role unfenced → fenced
// expect: select leads service-role unfenced → fenced
// expect: select leads user-key unfenced → fenced
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const anonKey = Deno.env.get("SUPABASE_ANON_KEY")!;
const serviceRoleKey = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!;

export function client(organizationId: string, isCron: boolean) {
  let client = createClient("", anonKey);
  if (isCron) client = createClient("", serviceRoleKey);
  return client.from("leads").select("*");
}

export function key(organizationId: string, isCron: boolean) {
  let key = anonKey;
  if (isCron) key = serviceRoleKey;
  return createClient("", key).from("leads").select("*");
}

export function again(organizationId: string, isCron: boolean) {
  let client = createClient("", anonKey);
  if (isCron) client = createClient("x", anonKey);
  return client.from("leads").select("*");
}
