// expect: select leads service-role unfenced → fenced
// expect: select campaigns service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

class Dialler {
  constructor(private readonly client: ReturnType<typeof adminClient>) {}
  next(organizationId: string) {
    return this.client.from("leads").select("*");
  }
  sent(organizationId: string) {
    return this.client.from("campaigns").select("*");
  }
}

Deno.serve(async (req) => {
  const { organizationId } = await req.json();
  const dialler = new Dialler(adminClient());
  await dialler.next("mine");
  await dialler.sent(organizationId);
  return new Response();
});
