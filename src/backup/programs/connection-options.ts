import type { ConnectionOptions } from "pg-dump-restore";
import { type Target, targetParts } from "../../postgres/connection.ts";

/**
 * The connection for pg-dump-restore. The library puts its parts into a URL without encoding them, and
 * knows neither a passfile nor every SSL mode. So the parts are encoded here, and the other parameters
 * are appended to the database's name.
 * @param settings of the program's sessions; they override those of the role and the database
 */
export function connectionFor(
  target: Target,
  passfile: string | undefined,
  settings: Readonly<Record<string, string>> = {},
  applicationName = "tenantry backup",
): ConnectionOptions {
  const { host, port, user, database, sslMode } = targetParts(target);
  const parameters = new URLSearchParams({ application_name: applicationName });
  const given = new URLSearchParams(target.url?.split("?")[1]);
  for (const name of libpqParameters) {
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
    // An empty password in the URL makes libpq use the passfile instead of PGPASSWORD.
    parameters.set("password", "");
  }
  return {
    host: encodeURIComponent(host),
    port,
    username: encodeURIComponent(user),
    password: "",
    // URLSearchParams encodes a space as +, which libpq reads as a plus sign.
    database: `${encodeURIComponent(database)}?${parameters.toString().replaceAll("+", "%20")}`,
  };
}

/** The URL's parameters that libpq understands too, and that are not secret. */
const libpqParameters = [
  "sslrootcert",
  "sslcert",
  "sslkey",
  "channel_binding",
  "connect_timeout",
  "options",
];

/** The driver also has the mode `no-verify`, and `ssl=true`, which libpq does not know. */
function libpqSslMode(mode: string | undefined, ssl: string | null): string | undefined {
  if (mode !== undefined) return mode === "no-verify" ? "require" : mode;
  return ssl === "true" || ssl === "1" || ssl === "no-verify" ? "require" : undefined;
}
