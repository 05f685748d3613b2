// expect: select leads user-key unfenced → left unfenced-query
// left: annotation-unused
import { supabase } from "@/client";

const later = (work: () => void) => work();

// tenantry: all-organizations because it is above a callback, and reaches into none
later(async () => {
  await supabase.from("leads").select("id");
});
