// expect: select leads user-key unfenced → fenced
import { callerClient } from "./_shared/clients.ts";

export const load = (organizationId: string, request: Request) =>
  callerClient(request.headers.get("Authorization") ?? "").from("leads").select("*");
