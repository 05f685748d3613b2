// expect: rpc purge service-role not judged → left unbound-function
// expect: rpc purge_one service-role not judged → unchanged
import { adminClient } from "./_shared/clients.ts";

export const purge = () => adminClient().rpc("purge");
export const purgeOne = (organizationId: string) => adminClient().rpc("purge_one", { organizationId });
