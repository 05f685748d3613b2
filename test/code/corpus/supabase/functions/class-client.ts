// expect: select leads service-role unfenced → fenced
// runs: new Leads().all(own)
import { adminClient } from "./_shared/clients.ts";

export class Leads {
  private readonly client;
  constructor() {
    this.client = adminClient();
  }
  all(organizationId: string) {
    return this.client.from("leads").select("*");
  }
}
