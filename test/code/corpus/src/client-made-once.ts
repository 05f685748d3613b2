// expect: select leads user-key unfenced → fenced
// expect: select leads user-key unfenced → fenced
import { createClient, type SupabaseClient } from "@supabase/supabase-js";

let first: SupabaseClient | undefined;
let second: SupabaseClient | null = null;

const make = () => createClient("https://x.example", import.meta.env.VITE_SUPABASE_ANON_KEY ?? "");
const one = () => (first ??= make());
function other() {
  if (second === null) second = make();
  return second;
}

export const load = (organizationId: string) => one().from("leads").select(organizationId);
export const again = (organizationId: string) => other().from("leads").select(organizationId);
