// expect: select leads unknown unfenced → fenced
// expect: delete leads unknown unfenced → fenced
// expect: select leads unknown unfenced → fenced
// expect: select campaigns service-role unfenced → left unfenced-query
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const either = createClient(
  "",
  Deno.env.get("SUPABASE_SERVICE_KEY") ?? Deno.env.get("SUPABASE_ANON_KEY") ?? "",
);
const SUPABASE_ANON_KEY = Deno.env.get("SUPABASE_SERVICE_KEY") || Deno.env.get("SUPABASE_ANON_KEY")!;
const named = createClient("", SUPABASE_ANON_KEY);
const admin = createClient("", Deno.env.get("ADMIN_SUPABASE_KEY")!);

export const load = (organizationId: string) => either.from("leads").select("*");
export const clear = (organizationId: string) => named.from("leads").delete();
export const all = (organizationId: string) => admin.from("leads").select("*");

const trimmed = createClient("", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!.trim());

export const sent = () => trimmed.from("campaigns").select("*");
