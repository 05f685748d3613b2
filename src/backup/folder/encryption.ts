import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Decrypter, Encrypter } from "age-encryption";
import { AppError, messageOf } from "../../errors.ts";

/** The end of an encrypted file's name, the same as the age program's. */
export const encryptedSuffix = ".age";

/**
 * Encrypts every file under a folder for the recipients in age's format, and removes the plain files.
 * @param recipients age's public keys: `age1…`
 * @throws AppError CONFIG_INVALID when a recipient is not valid
 */
export async function encryptFolder(folder: string, recipients: readonly string[]): Promise<void> {
  const encrypter = await encrypterFor(recipients);
  for (const file of await plainFiles(folder)) {
    const partial = `${file}${encryptedSuffix}.partial`;
    await through(file, partial, (content) => encrypter.encrypt(content));
    await rename(partial, `${file}${encryptedSuffix}`);
    await rm(file);
  }
}

/** @throws AppError CONFIG_INVALID when a recipient is not valid */
export async function encrypterFor(recipients: readonly string[]): Promise<Encrypter> {
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

/**
 * Decrypts the files of an encrypted folder into another folder.
 * @param identityFile as age-keygen writes it: a line `AGE-SECRET-KEY-1…`, and comments
 * @throws AppError BACKUP_FAILED when the identity is missing, or is not of one of the backup's recipients
 */
export async function decryptFolder(
  from: string,
  to: string,
  identityFile: string | undefined,
): Promise<void> {
  const decrypter = await decrypterOf(from, identityFile);
  for (const name of await readdir(from, { recursive: true })) {
    if (!name.endsWith(encryptedSuffix)) continue;
    const target = path.join(to, name.slice(0, -encryptedSuffix.length));
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    try {
      await through(path.join(from, name), target, (content) => decrypter.decrypt(content));
    } catch (error) {
      throw identityFault(
        path.join(from, name),
        `cannot be decrypted: ${messageOf(error)}`,
        "give the file with the identity of one of the backup's recipients: --identity <file>",
        error,
      );
    }
  }
}

async function decrypterOf(folder: string, identityFile: string | undefined): Promise<Decrypter> {
  if (identityFile === undefined) {
    throw identityFault(
      folder,
      "is encrypted",
      "give the file with the identity of one of its recipients: --identity <file>",
    );
  }
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  try {
    const lines = (await readFile(identityFile, "utf8")).split("\n").map((line) => line.trim());
    const identities = lines.filter((line) => line !== "" && !line.startsWith("#"));
    if (identities.length === 0) throw new Error("the file has no identity");
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch (error) {
    throw identityFault(
      identityFile,
      // The library's message may contain the line, which is secret.
      error instanceof Error && "code" in error ? error.message : "contains no valid age identity",
      "give a file that age-keygen wrote: --identity <file>",
    );
  }
  return decrypter;
}

async function through(
  from: string,
  to: string,
  change: (content: ReadableStream<Uint8Array>) => Promise<ReadableStream<Uint8Array>>,
): Promise<void> {
  const content: ReadableStream<Uint8Array> = Readable.toWeb(createReadStream(from));
  await pipeline(
    Readable.fromWeb(await change(content)),
    createWriteStream(to, { mode: 0o600, flush: true }),
  );
}

async function plainFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
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
