// expect: delete leads unknown unfenced → fenced
import { callerClient } from "./_shared/clients.ts";

type Context = { client: ReturnType<typeof callerClient>; organizationId: string };

function empty({ client, organizationId }: Context) {
  return client.from("leads").delete();
}

export const emptied = (organizationId: string) => empty({ client: callerClient(""), organizationId });
export const emptyAll = (all: Context[]) => all.map(empty);
