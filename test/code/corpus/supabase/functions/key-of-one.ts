// expect: select leads user-key unfenced → fenced
// expect: delete leads user-key unfenced → fenced
// expect: select leads user-key unfenced → fenced
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const publicKey = Deno.env.get("SUPABASE_PUBLISHABLE_KEY") || Deno.env.get("SUPABASE_ANON_KEY");
const either = createClient("", publicKey ?? "not there");
const SUPABASE_ANON_KEY = Deno.env.get("KEY") ?? "";
const named = createClient("", SUPABASE_ANON_KEY, { global: { headers: { "x-key": named2() } } });
const shown = createClient("", Deno.env.get("NEXT_PUBLIC_SUPABASE_KEY")!);

function named2() {
  return Deno.env.get("NAME") ?? "";
}

export const load = (organizationId: string) => either.from("leads").select("*");
export const clear = (organizationId: string) => named.from("leads").delete();
export const all = (organizationId: string) => shown.from("leads").select("*");
