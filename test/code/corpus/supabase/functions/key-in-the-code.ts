// expect: select leads service-role unfenced → fenced
// runs: load(own)
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const client = createClient("https://x.example", "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2ln");

export const load = (organizationId: string) => client.from("leads").select("*");
