import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Decrypter, Encrypter } from "age-encryption";
import { AppError, messageOf } from "../../errors.ts";

/** The end of an encrypted file's name, the same as the age program's. */
export const encryptedSuffix = ".age";

/** Encrypts for a backup's recipients: what it encrypts is never on the disk in clear. */
export type Encryption = {
  readonly text: (content: string) => Promise<Uint8Array>;
  /** Writes a stream into a new file, encrypted while it is read. */
  readonly write: (content: Readable, file: string) => Promise<void>;
};

/**
 * Encryption in age's format.
 * @param recipients age's public keys: `age1…`
 * @returns undefined if there are no recipients
 * @throws AppError CONFIG_INVALID when a recipient is not valid
 */
export async function encryptionFor(
  recipients: readonly string[],
): Promise<Encryption | undefined> {
  if (recipients.length === 0) return undefined;
  const encrypter = await encrypterFor(recipients);
  return {
    text: (content) => encrypter.encrypt(content),
    write: (content, file) => through(content, file, (plain) => encrypter.encrypt(plain)),
  };
}

async function encrypterFor(recipients: readonly string[]): Promise<Encrypter> {
  // Loaded only here: its ciphers take 15 MB, and most backups are not encrypted.
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new AppError({
        code: "CONFIG_INVALID",
        object: "backups.recipients",
        fault: `${JSON.stringify(recipient)} is not a valid age recipient`,
        state: "nothing was changed",
        next: "use a public key as age-keygen prints it: age1…",
        cause: error,
      });
    }
  }
  return encrypter;
}

/** What opens an encrypted backup: a file as age-keygen writes it, or a key that was made for this process. */
export type Identity =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "key"; readonly key: string };

/** The identity in a file, as commands are given it. */
export function identityIn(file: string | undefined): Identity | undefined {
  return file === undefined ? undefined : { kind: "file", file };
}

/** A key for backups that only this process opens; it is never written to the disk. */
export async function makeKey(): Promise<{ identity: Identity; recipient: string }> {
  const { generateIdentity, identityToRecipient } = await import("age-encryption");
  const key = await generateIdentity();
  return { identity: { kind: "key", key }, recipient: await identityToRecipient(key) };
}

/** Decrypts files of a backup. */
export type Decryption = {
  readonly text: (file: string) => Promise<string>;
  /** The content of a file, decrypted while it is read. */
  readonly read: (file: string) => Promise<Readable>;
};

/**
 * Decryption of a backup.
 * @param folder the encrypted one, for errors
 * @throws AppError BACKUP_FAILED when the identity is missing or cannot be read; later, when it is not of
 * one of the backup's recipients
 */
export async function decryptionOf(
  folder: string,
  identity: Identity | undefined,
): Promise<Decryption> {
  const decrypter = await decrypterOf(folder, identity);
  const refusing = async <Result>(file: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw identityFault(
        file,
        `cannot be decrypted: ${messageOf(error)}`,
        "give the file with the identity of one of the backup's recipients: --identity <file>",
        error,
      );
    }
  };
  const read = (file: string) =>
    refusing(file, async () =>
      Readable.fromWeb(await decrypter.decrypt(Readable.toWeb(createReadStream(file)))),
    );
  return {
    text: async (file) => {
      const content = await read(file);
      return refusing(file, () => text(content));
    },
    read,
  };
}

/** Decrypts the files of a folder into another folder. */
export async function decryptFolder(
  from: string,
  to: string,
  decryption: Decryption,
): Promise<void> {
  for (const name of await readdir(from, { recursive: true })) {
    if (!name.endsWith(encryptedSuffix)) continue;
    const target = path.join(to, name.slice(0, -encryptedSuffix.length));
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    const content = await decryption.read(path.join(from, name));
    await pipeline(content, createWriteStream(target, { mode: 0o600 }));
  }
}

async function decrypterOf(folder: string, identity: Identity | undefined): Promise<Decrypter> {
  if (identity === undefined) {
    throw identityFault(
      folder,
      "is encrypted",
      "give the file with the identity of one of its recipients: --identity <file>",
    );
  }
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  if (identity.kind === "key") {
    decrypter.addIdentity(identity.key);
    return decrypter;
  }
  try {
    const lines = (await readFile(identity.file, "utf8")).split("\n").map((line) => line.trim());
    const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
    if (keys.length === 0) throw new Error("the file has no identity");
    for (const key of keys) decrypter.addIdentity(key);
  } catch (error) {
    throw identityFault(
      identity.file,
      // The library's message may contain the line, which is secret.
      error instanceof Error && "code" in error ? error.message : "contains no valid age identity",
      "give a file that age-keygen wrote: --identity <file>",
    );
  }
  return decrypter;
}

async function through(
  content: Readable,
  to: string,
  change: (content: ReadableStream<Uint8Array>) => Promise<ReadableStream<Uint8Array>>,
): Promise<void> {
  const plain: ReadableStream<Uint8Array> = Readable.toWeb(content);
  await pipeline(
    Readable.fromWeb(await change(plain)),
    createWriteStream(to, { mode: 0o600, flush: true }),
  );
}

function identityFault(object: string, fault: string, next: string, cause?: unknown): AppError {
  const facts = {
    code: "BACKUP_FAILED",
    object,
    fault,
    state: "nothing was changed",
    next,
  } as const;
  return new AppError(cause === undefined ? facts : { ...facts, cause });
}
