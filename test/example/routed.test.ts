import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { routedApp } from "../code/routed-app.ts";
import { expectDone } from "../three-days/three-days.ts";
import { makeExample, whyNoExample } from "./example.ts";

const missing = await whyNoExample();
if (missing !== undefined) console.log(`the routed application is skipped: ${missing}`);

/** The application with its providers in App, on the example's database and with its form to sign in. */
async function putRoutedApp(folder: string): Promise<void> {
  await rm(path.join(folder, "src/hooks"), { recursive: true });
  for (const name of ["Leads", "Calls", "Campaigns"])
    await rm(path.join(folder, "src/components", `${name}.tsx`));
  const files: Readonly<Record<string, string>> = {
    ...routedApp,
    "src/components/Banner.tsx": `import { useState } from "react";

export function Banner() {
  const [isRead, setRead] = useState(() => localStorage.getItem("banner-read") === "yes");
  const [note] = useState(() => localStorage.getItem("note"));
  const read = () => {
    localStorage.setItem("banner-read", "yes");
    localStorage.setItem("note", window.location.hash);
    setRead(true);
  };
  return isRead ? null : <p role="status" title={note ?? ""} onClick={read}>A new version is out</p>;
}
`,
    "src/pages/SignIn.tsx": `import { Navigate } from "react-router-dom";
import { useAuth } from "@/auth/AuthProvider";
import { Banner } from "@/components/Banner";
import { SignIn as Form } from "@/components/SignIn";

export function SignIn() {
  const { user } = useAuth();
  if (user) return <Navigate to="/" replace />;
  return (
    <main>
      <Banner />
      <Form />
    </main>
  );
}
`,
    "src/pages/Leads.tsx": `import { Banner } from "@/components/Banner";
import { useLeads } from "@/hooks/useLeads";
import { supabase } from "@/client";

export function Leads() {
  const { data } = useLeads();
  return (
    <main>
      <Banner />
      <button type="button" onClick={() => supabase.auth.signOut()}>Sign out</button>
      <ul>{data?.map((lead) => <li key={lead.id} data-lead={lead.id}>{lead.name}</li>)}</ul>
    </main>
  );
}
`,
  };
  for (const [name, text] of Object.entries(files)) {
    if (!name.startsWith("src/") || name === "src/client.ts") continue;
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text.replaceAll('"@/client"', '"@/integrations/supabase/client"'));
  }
}

test.skipIf(missing !== undefined)(
  "an application with all providers in its App starts, signed out and signed in, after scaffold and rewrite",
  { timeout: 600_000 },
  async () => {
    const example = await makeExample();
    const { folder, tenantry } = example;
    await putRoutedApp(folder);
    for (const stage of ["day1", "day2"])
      expectDone(await tenantry("run", "--yes", "--stage", stage));
    expectDone(await tenantry("code", "scaffold", "--write"));
    expectDone(await tenantry("code", "rewrite", "--write"));
    const text = (file: string) => readFile(path.join(folder, file), "utf8");
    expect(await text("src/components/Banner.tsx")).not.toContain("useOrganization");
    expect(await text("src/hooks/useLeads.ts")).toContain("useOrganization");
    await example.build();

    await example.serve(async ({ openStart, signIn, signOut }) => {
      const { page, errors } = await openStart();
      await page.getByLabel("Password").waitFor();
      await page.getByText("A new version is out").waitFor();
      await signIn(page, "agent01@alpha.example");
      await page.locator("li[data-lead]").first().waitFor();
      await page.getByText("A new version is out").waitFor();
      await signOut(page);
      await page.getByText("A new version is out").waitFor();
      await signIn(page, "agent11@beta.example");
      await page.locator("li[data-lead]").first().waitFor();
      expect(errors).toEqual([]);
    });
  },
);
