// expect: subscription call_logs unfenced → fenced
// becomes: filter: `organization_id=eq.${organizationId}`,
import { supabase } from "@/client";

export function listen(organizationId: string) {
  supabase.channel("calls").on(
    "postgres_changes",
    {
      event: "INSERT",
      schema: "public",
      table: "call_logs",
    },
    () => {},
  );
}
