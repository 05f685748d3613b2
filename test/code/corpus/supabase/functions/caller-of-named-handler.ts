// expect: delete leads service-role unfenced → fenced
// becomes: import { callerOrganization } from './_shared/organization.ts'
// becomes: const { organizationId } = await callerOrganization(request)
import { adminClient } from './_shared/clients.ts'

const handler = async (request: Request): Promise<Response> => {
  const admin = adminClient()
  const answer = await admin.auth.getUser(request.headers.get('Authorization')?.slice(7))
  const user = answer.data.user
  if (user === null) throw new Error('sign in first')
  await admin.from('leads').delete().eq('owner', user.id)
  return new Response()
}

Deno.serve(handler)
