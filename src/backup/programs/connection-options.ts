import type { ConnectionOptions } from "pg-dump-restore";
import { type Target, targetParts } from "../../postgres/connection.ts";

/**
 * The library writes its parts into a URL as they are, and has no place for a passfile or for every
 * SSL mode: so they are encoded here, and the rest goes behind the database's name.
 * @param settings of the program's sessions, over those of the role and the database
 */
export function connectionFor(
  target: Target,
  passfile: string | undefined,
  settings: Readonly<Record<string, string>> = {},
): ConnectionOptions {
  const { host, port, user, database, sslMode } = targetParts(target);
  const parameters = new URLSearchParams({ application_name: "tenantry backup" });
  const given = new URLSearchParams(target.url?.split("?")[1]);
  for (const name of handedOn) {
    const value = given.get(name);
    if (value !== null) parameters.set(name, value);
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  if (options.length > 0) {
    parameters.set("options", [parameters.get("options") ?? [], options].flat().join(" "));
  }
  const libpqMode = libpqSslMode(sslMode, given.get("ssl"));
  if (libpqMode !== undefined) parameters.set("sslmode", libpqMode);
  if (passfile !== undefined) {
    parameters.set("passfile", passfile);
    // Only a password that is given and empty makes libpq prefer the passfile to PGPASSWORD.
    parameters.set("password", "");
  }
  return {
    host: encodeURIComponent(host),
    port,
    username: encodeURIComponent(user),
    password: "",
    // URLSearchParams writes a space as +, which libpq takes for a plus.
    database: `${encodeURIComponent(database)}?${parameters.toString().replaceAll("+", "%20")}`,
  };
}

/** What a URL says that libpq understands as well, and that is no secret. */
const handedOn = [
  "sslrootcert",
  "sslcert",
  "sslkey",
  "channel_binding",
  "connect_timeout",
  "options",
];

/** The driver has a mode of its own, and takes `ssl=true` for one. */
function libpqSslMode(mode: string | undefined, ssl: string | null): string | undefined {
  if (mode !== undefined) return mode === "no-verify" ? "require" : mode;
  return ssl === "true" || ssl === "1" || ssl === "no-verify" ? "require" : undefined;
}
