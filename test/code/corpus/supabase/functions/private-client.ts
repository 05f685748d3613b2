// expect: update leads service-role (object) unfenced → left unfenced-query
// expect: select leads service-role unfenced → left unfenced-query
import { createClient, type SupabaseClient } from "https://esm.sh/@supabase/supabase-js@2";

type Context = { client: SupabaseClient; organizationId: string };

class Leads {
  #client: SupabaseClient;
  constructor(private readonly context: Context) {
    this.#client = context.client;
  }
  async change(id: string) {
    const { organizationId } = this.context;
    return [await this.#client.from("leads").update({ status: "done" }).eq("id", id), organizationId];
  }
  async all() {
    const { client, organizationId } = this.context;
    return [await client.from("leads").select("*"), organizationId];
  }
}

Deno.serve(async (request) => {
  const client = createClient("", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "");
  const sent = await request.json();
  const leads = new Leads({ client, organizationId: sent.organization_id });
  return Response.json([await leads.change(sent.id), await leads.all()]);
});
