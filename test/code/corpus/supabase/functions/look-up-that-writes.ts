// expect: update sms_messages service-role (object) unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

export const delivered = (sid: string) =>
  adminClient().from("sms_messages").update({ delivered: true }).eq("provider_id", sid);
