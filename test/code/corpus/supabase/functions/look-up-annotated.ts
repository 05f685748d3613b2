// expect: update sms_messages service-role (object) annotated → unchanged
import { adminClient } from "./_shared/clients.ts";

export const delivered = (sid: string) =>
  // tenantry: all-organizations because the provider's id is unique over all of them
  adminClient().from("sms_messages").update({ delivered: true }).eq("provider_id", sid);
