// expect: select leads user-key annotated → unchanged
import { supabase } from "@/client";

export const total = () =>
  // tenantry: all-organizations because the landing page shows how many leads there are
  supabase.from("leads").select("id");
