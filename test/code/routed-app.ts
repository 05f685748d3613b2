import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { takeInventory } from "../../src/code/queries/inventory.ts";
import { openProject } from "../../src/code/reading/project.ts";
import { rewriteCode } from "../../src/code/rewrite/rewrite.ts";
import { scaffold } from "../../src/code/scaffold/scaffold.ts";
import { parseSettings } from "../../src/config/load.ts";

export type Files = Readonly<Record<string, string>>;

/** An application whose providers are in its App, with a banner that is on the sign-in page, too. */
export const routedApp = {
  "package.json": '{ "dependencies": { "react": "19.0.0", "@tanstack/react-query": "5.0.0" } }',
  "tsconfig.json":
    '{ "compilerOptions": { "strict": false, "jsx": "react-jsx", "module": "ESNext", "moduleResolution": "bundler", "paths": { "@/*": ["./src/*"] } } }',
  "src/client.ts": `import { createClient } from "@supabase/supabase-js";
export const supabase = createClient("https://x.example", "SUPABASE_ANON_KEY");
`,
  "src/main.tsx": `import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import App from "./App";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
`,
  "src/App.tsx": `import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import { AuthProvider } from "@/auth/AuthProvider";
import { ProtectedRoute } from "@/auth/ProtectedRoute";
import { Leads } from "@/pages/Leads";
import { SignIn } from "@/pages/SignIn";

const queryClient = new QueryClient();

const App = () => (
  <QueryClientProvider client={queryClient}>
    <BrowserRouter>
      <AuthProvider>
        <Routes>
          <Route path="/sign-in" element={<SignIn />} />
          <Route path="/" element={<ProtectedRoute><Leads /></ProtectedRoute>} />
        </Routes>
      </AuthProvider>
    </BrowserRouter>
  </QueryClientProvider>
);

export default App;
`,
  "src/auth/AuthProvider.tsx": `import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { supabase } from "@/client";

const AuthContext = createContext<{ user: object | null } | undefined>(undefined);

export function AuthProvider({ children }: { children: ReactNode }) {
  const [user, setUser] = useState<object | null>(null);
  useEffect(() => {
    supabase.auth.onAuthStateChange((_event, session) => setUser(session?.user ?? null));
  }, []);
  return <AuthContext.Provider value={{ user }}>{children}</AuthContext.Provider>;
}

export const useAuth = () => useContext(AuthContext)!;
`,
  "src/auth/ProtectedRoute.tsx": `import type { ReactNode } from "react";
import { Navigate } from "react-router-dom";
import { useAuth } from "@/auth/AuthProvider";

export function ProtectedRoute({ children }: { children: ReactNode }) {
  const { user } = useAuth();
  if (!user) return <Navigate to="/sign-in" replace />;
  return <>{children}</>;
}
`,
  "src/components/Banner.tsx": `import { useState } from "react";
import { supabase } from "@/client";

export function Banner() {
  const [note, setNote] = useState(() => localStorage.getItem("lead-note"));
  const keep = (text: string) => localStorage.setItem("lead-note", text);
  return <p onClick={() => keep(document.title)}>{note}</p>;
}
`,
  "src/pages/SignIn.tsx": `import { Banner } from "@/components/Banner";

export function SignIn() {
  return (
    <main>
      <Banner />
      <form />
    </main>
  );
}
`,
  "src/pages/Leads.tsx": `import { Banner } from "@/components/Banner";
import { useLeads } from "@/hooks/useLeads";

export function Leads() {
  const { data } = useLeads();
  return (
    <main>
      <Banner />
      <p>{data?.length}</p>
    </main>
  );
}
`,
  "src/hooks/useLeads.ts": `import { useQuery } from "@tanstack/react-query";
import { supabase } from "@/client";

export function useLeads() {
  return useQuery({
    queryKey: ["leads"],
    queryFn: async () => {
      const { data } = await supabase.from("leads").select("*");
      return data;
    },
  });
}
`,
} as const satisfies Files;

const settings = parseSettings(
  {
    users: { owners: "TRUE" },
    day1: { tables: { leads: "default" } },
    day2: { tables: {} },
    code: { app: { hook: { name: "useOrganization", from: "@/contexts/OrganizationContext" } } },
  },
  "the application",
);

export type Changed = {
  /** The current text of a file. */
  text(file: string): string;
  /** What the scaffold left to a person. */
  readonly scaffoldLeft: readonly string[];
  /** The findings that the rewrite left, as \`file: reason\`. */
  readonly left: readonly string[];
};

/** Scaffolds an application and then rewrites it, in a new folder. */
export async function scaffoldAndRewrite(files: Files): Promise<Changed> {
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-routed-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const texts = new Map(Object.entries(files));
  const write = async (name: string, text: string) => {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    texts.set(name, text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const scaffolded = scaffold(openProject(settings, folder));
  for (const { name, after } of scaffolded.files) await write(name, after);
  const rewriting = rewriteCode(takeInventory(openProject(settings, folder)));
  for (const { name, after } of rewriting.files) await write(name, after);
  return {
    text: (file) => texts.get(file) ?? "",
    scaffoldLeft: scaffolded.left,
    left: rewriting.left.map(({ place, reason }) => `${place.file}: ${reason}`),
  };
}
