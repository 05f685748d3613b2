import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { AppError, messageOf } from "../errors.ts";
import { canonicalJson } from "./canonical.ts";
import type { Certificate, Content, Signature } from "./certificate.ts";

/**
 * Reads a private key for Ed25519 from PEM.
 * @param file its name, for the error
 * @throws AppError USAGE where it is none
 */
export function readPrivateKey(file: string, pem: string): KeyObject {
  return readKey(file, "private", () => createPrivateKey(pem));
}

/**
 * Reads a public key for Ed25519 from PEM.
 * @throws AppError USAGE where it is none
 */
export function readPublicKey(file: string, pem: string): KeyObject {
  return readKey(file, "public", () => createPublicKey(pem));
}

function readKey(file: string, kind: "private" | "public", read: () => KeyObject): KeyObject {
  const refused = (fault: string, cause?: unknown) =>
    new AppError({
      code: "USAGE",
      object: file,
      fault,
      state: "nothing was changed",
      next:
        kind === "private"
          ? "name a file that openssl genpkey -algorithm ed25519 wrote"
          : "name a file that openssl pkey -pubout wrote",
      cause,
    });
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw refused(`is not a ${kind} key in PEM that can be read: ${messageOf(error)}`, error);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw refused(`is a key for ${key.asymmetricKeyType ?? "nothing known"}, not for Ed25519`);
}

/** SHA-256 of a key's public half, in hexadecimal digits. */
export function keyFingerprint(key: KeyObject): string {
  return createHash("sha256").update(publicBytes(key)).digest("hex");
}

function publicBytes(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ format: "der", type: "spki" });
}

/** Signs a content, which names the key. */
export function signContent(content: Content, key: KeyObject): Signature {
  return {
    algorithm: "Ed25519",
    publicKey: publicBytes(key).toString("base64"),
    value: sign(null, Buffer.from(canonicalJson(content)), key).toString("base64"),
  };
}

/**
 * What is wrong with a signature, a sentence each; nothing where it is right, or where there is none and
 * none was asked for.
 * @param content as it was read, with whatever else somebody wrote into it
 * @param wanted the key that should have signed
 */
export function faultsOfSignature(
  { signature, content: { signer } }: Certificate,
  content: unknown,
  wanted?: KeyObject,
): readonly string[] {
  if (signature === null) {
    if (signer !== null) return ["it says that it is signed, and its signature was taken away"];
    return wanted === undefined ? [] : ["it is not signed"];
  }
  const bytes = Buffer.from(signature.publicKey, "base64");
  const fingerprint = createHash("sha256").update(bytes).digest("hex");
  if (wanted !== undefined && keyFingerprint(wanted) !== fingerprint) {
    return [`it is signed by another key: SHA-256 ${fingerprint}`];
  }
  if (signer !== fingerprint) return ["its signature is by another key than it names"];
  return isRight(bytes, canonicalJson(content), signature.value)
    ? []
    : ["its signature is wrong: what it says is not what was signed"];
}

function isRight(publicKey: Buffer, text: string, value: string): boolean {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: publicKey, format: "der", type: "spki" });
  } catch {
    // A key that cannot be read has signed nothing.
    return false;
  }
  return (
    key.asymmetricKeyType === "ed25519" &&
    verify(null, Buffer.from(text), key, Buffer.from(value, "base64"))
  );
}
