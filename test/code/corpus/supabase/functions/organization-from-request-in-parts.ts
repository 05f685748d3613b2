// expect: select leads service-role fenced → left organization-from-request
// expect: select leads service-role fenced → left organization-from-request
// expect: select leads service-role fenced → left organization-from-request
// expect: select leads service-role fenced → left organization-from-request
import { cookies } from "next/headers";
import { adminClient } from "./_shared/clients.ts";

export const event = async (event: { body: string }) => {
  const sent = JSON.parse(event.body);
  return adminClient().from("leads").select("*").eq("organization_id", sent.organizationId);
};

export const search = async (req: Request) => {
  const wanted = new URLSearchParams(new URL(req.url).search);
  return adminClient().from("leads").select("*").eq("organization_id", wanted.get("organization")!);
};

export const cookie = async () => {
  const wanted = (await cookies()).get("organization")!.value;
  return adminClient().from("leads").select("*").eq("organization_id", wanted);
};

export const form = async (request: Request) => {
  const wanted = String((await request.formData()).get("organization"));
  return adminClient().from("leads").select("*").eq("organization_id", wanted);
};
