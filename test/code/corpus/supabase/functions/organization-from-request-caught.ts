// expect: select leads service-role unfenced → left unfenced-query
// expect: select leads service-role unfenced → left unfenced-query
// expect: select leads service-role unfenced → left unfenced-query
// expect: select leads service-role unfenced → left unfenced-query
// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

const ask = () => adminClient().from("leads");

export async function caught(req: Request) {
  const { organizationId } = await req.json().catch(() => ({}));
  return ask().select(organizationId);
}

export async function tried(req: Request) {
  let body: any;
  try {
    body = await req.json();
  } catch {
    return undefined;
  }
  const { organizationId } = body;
  return ask().select(organizationId);
}

export async function posted(req: Request) {
  const body = req.method === "POST" ? await req.json() : {};
  const organizationId = body.organizationId;
  return ask().select(organizationId);
}

async function readBody(from: Request) {
  return await from.clone().json();
}

export async function read(req: Request) {
  const { organizationId } = await readBody(req);
  return ask().select(organizationId);
}

export const then = (req: Request) =>
  req.clone().json().then(({ organizationId }: any) => ask().select(organizationId));
