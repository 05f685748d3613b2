import { digestOf } from "./canonical.ts";
import type { Content } from "./certificate.ts";
import { compareStandings, type Standing, type StandingDifference } from "./standing.ts";

/** What a certificate is checked with. */
export type Present = Pick<Content, "server"> & {
  /** Tenantry's version. */
  readonly tenantry: string;
};

/** What can differ from a certificate, or be wrong with it. */
export const differingParts = [
  "certificate",
  "signature",
  "verification",
  "acceptance",
  "database",
  "server",
  "fence",
  "schema",
] as const;

/** What is not as the certificate says, by what it concerns. */
export type Difference = {
  readonly of: (typeof differingParts)[number];
  readonly object: string;
  readonly fact: string;
};

/** What a certificate says of itself that makes it none to rely on. */
export function differencesInItself(
  { stage, holds, findings, claims, schema, fence }: Content,
  today: string,
): readonly Difference[] {
  const differences: Difference[] = [];
  const edited = "its digest is not that of its list: the certificate was edited";
  const lists = [
    { object: "schema", is: schema.digest, of: schema.objects },
    { object: "fence", is: fence.digest, of: fence.entries },
  ];
  for (const { object, is, of } of lists) {
    if (digestOf(of) !== is) differences.push({ of: "certificate", object, fact: edited });
  }
  if (!holds) {
    const fact = "was not green when it was verified: this certificate proves nothing";
    differences.push({ of: "verification", object: stage, fact });
  }
  const ended = [
    ...findings.map(({ object, accepted }) => ({ object, accepted })),
    ...claims.flatMap(({ notTried }) =>
      notTried.map(({ what, accepted }) => ({ object: what, accepted })),
    ),
  ].flatMap(({ object, accepted }) =>
    accepted !== null && accepted.until < today
      ? [{ object, fact: `was accepted until ${accepted.until}` }]
      : [],
  );
  return [...differences, ...distinct(ended).map((one) => ({ of: "acceptance" as const, ...one }))];
}

function distinct(differences: readonly StandingDifference[]): readonly StandingDifference[] {
  return [...new Map(differences.map((one) => [`${one.object} ${one.fact}`, one])).values()];
}

/** Whether it is the same database; where not, nothing of it is compared. */
export function differencesOfDatabase(
  { database: then }: Pick<Content, "database">,
  { database: now }: Pick<Content, "database">,
): readonly Difference[] {
  const object = `database ${now.name}`;
  return [
    ...(then.name === now.name
      ? []
      : [{ of: "database" as const, object, fact: `the certificate is of database ${then.name}` }]),
    ...(then.system === now.system
      ? []
      : [
          {
            of: "database" as const,
            object,
            fact: `the certificate is of another cluster: system identifier ${then.system}, and this is ${now.system}`,
          },
        ]),
  ];
}

/** What changed of the server, the fence and the schema. */
export function differencesOfStanding(
  then: Content,
  { server }: Present,
  now: Standing,
): readonly Difference[] {
  const { fence, schema } = compareStandings(then, now);
  const isOtherMajor = majorOf(then.server) !== majorOf(server);
  const fact = `is ${server.version}; it was verified on ${then.server.version}, another major version`;
  return [
    ...(isOtherMajor ? [{ of: "server" as const, object: "PostgreSQL", fact }] : []),
    ...fence.map((one) => ({ of: "fence" as const, ...one })),
    ...schema.map((one) => ({ of: "schema" as const, ...one })),
  ];
}

/** What is another version now, and no failure. */
export function otherVersions(then: Content, { server, tenantry }: Present): readonly string[] {
  const isOtherMinor =
    then.server.number !== server.number && majorOf(then.server) === majorOf(server);
  return [
    ...(isOtherMinor
      ? [`the server is ${server.version}; it was verified on ${then.server.version}`]
      : []),
    ...(then.tenantry.version === tenantry
      ? []
      : [`this is Tenantry ${tenantry}; the certificate was written by ${then.tenantry.version}`]),
  ];
}

function majorOf({ number }: Content["server"]): number {
  return Math.floor(number / 10_000);
}
