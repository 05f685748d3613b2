// expect: select leads service-role fenced → unchanged
// expect: select leads service-role fenced → left organization-from-request
// expect: select leads service-role unfenced → fenced
// expect: select leads service-role fenced → unchanged
import { callerOrganization } from "./_shared/organization.ts";
import { adminClient } from "./_shared/clients.ts";

const must = (value: string | undefined) => {
  if (value === undefined) throw new Error("it is not there");
  return value.trim();
};

export async function own(req: Request, lead: { organization_id?: string }) {
  const { id } = await req.json().catch(() => ({}));
  const known = must(lead.organization_id);
  return adminClient().from("leads").select("*").eq("id", must(id)).eq("organization_id", known);
}

export async function named(req: Request) {
  const sent = must((await req.json().catch(() => ({}))).organizationId);
  return adminClient().from("leads").select("*").eq("organization_id", sent);
}

export async function member(req: Request) {
  const { organizationId } = await callerOrganization(req);
  return adminClient().from("leads").select(organizationId);
}

export async function response(url: string) {
  const answer = await fetch(url);
  const { organizationId } = await answer.json().catch(() => ({}));
  return adminClient().from("leads").select("*").eq("organization_id", organizationId);
}
