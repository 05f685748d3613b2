// expect: select leads service-role unfenced → fenced
import { adminClient, callerClient } from "./_shared/clients.ts";

export function load(organizationId: string, isCron: boolean) {
  const client = isCron ? adminClient() : callerClient("");
  return client.from("leads").select("*");
}
