import { jwtVerify, SignJWT } from "jose";

/** The secret of the example; PostgREST requires 32 characters. */
export const secret = "the-secret-of-an-example-that-everybody-may-read";
const key = new TextEncoder().encode(secret);

export type Claims = { readonly sub?: string; readonly role: string };

/** A token that PostgREST, the realtime server and the functions accept. */
export function tokenFor(claims: Claims): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(key);
}

/** @throws if this server did not issue the token */
export async function claimsOf(token: string): Promise<Claims> {
  const { payload } = await jwtVerify(token, key);
  const { sub, role } = payload;
  if (typeof role !== "string") throw new Error("the token has no role");
  return sub === undefined ? { role } : { sub, role };
}
