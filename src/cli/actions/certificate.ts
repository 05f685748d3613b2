import { type CheckCertificateResult, checkCertificate } from "../../operations/certificate.ts";
import { colorsFor } from "../../report/terminal/colors.ts";
import type { GlobalOptions } from "../options.ts";
import { withOutput } from "../terminal/output.ts";
import { takeTarget } from "../workspace.ts";

type CheckOptions = GlobalOptions & { readonly file: string; readonly key?: string | undefined };

/** `tenantry certificate check FILE`: fails where the database is no longer what was proven. */
export async function checkCertificateCommand(options: CheckOptions): Promise<void> {
  const { file } = options;
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, async (output) => {
    const result = await checkCertificate(output.observed(target), options);
    const { content, differences, remarks, failure } = result;
    const { stage, madeAt, signer } = content;
    const holds = failure === undefined;
    await output.show(
      { kind: "certificate-checked", file, holds, stage, madeAt, signer, differences, remarks },
      () => showChecked(result),
    );
    if (failure !== undefined) throw failure;
  });
}

function showChecked({ content, differences, remarks }: CheckCertificateResult): string {
  const pc = colorsFor(process.stdout);
  const { stage, madeAt, database, counts } = content;
  const lines = [
    ...differences.map(({ of, object, fact }) => `${pc.red("✘")} ${of}: ${object}: ${fact}`),
    ...remarks.map((remark) => `${pc.yellow("!")} ${remark}`),
    differences.length > 0
      ? `not what was proven of ${stage} in database ${database.name} at ${madeAt}`
      : `${pc.green("✔")} database ${database.name} is what was proven at ${madeAt}: ${stage}, ${counts.hold} of ${counts.claims} claims hold`,
  ];
  return `${lines.join("\n")}\n`;
}
