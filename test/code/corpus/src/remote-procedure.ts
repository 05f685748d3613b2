// expect: rpc lead_totals user-key not judged → unchanged
// expect: invoke send-sms not judged → unchanged
import { supabase } from "@/client";

export const totals = () => supabase.rpc("lead_totals", { from: 1 });
export const send = () => supabase.functions.invoke("send-sms", { body: {} });
