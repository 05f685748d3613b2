// expect: subscription leads unfenced → left unfenced-subscription
import { supabase } from "@/client";

export const listen = (organizationId: string, id: string) =>
  supabase
    .channel(organizationId)
    .on("postgres_changes", { event: "*", table: "leads", filter: `id=eq.${id}` }, () => {});
