// expect: select leads service-role unfenced → fenced
// runs: load(own)
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const url = Deno.env.get("SUPABASE_URL")!;
const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? Deno.env.get("SUPABASE_ANON_KEY")!;
const shared = { client: createClient(url, key) };

const context = () => ({ ...shared, at: Date.now() });

export const load = (organizationId: string) => context().client.from("leads").select("*");
