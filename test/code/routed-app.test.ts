import { expect, test } from "vitest";
import { type Files, routedApp, scaffoldAndRewrite } from "./routed-app.ts";

const signInIsClean = (text: string) => expect(text).not.toContain("useOrganization");

test("the provider goes inside React Query's provider, wherever that is, and the boundary into the guard", async () => {
  const { text, scaffoldLeft } = await scaffoldAndRewrite(routedApp);
  expect(text("src/main.tsx")).toBe(routedApp["src/main.tsx"]);
  expect(text("src/App.tsx")).toContain(
    `<QueryClientProvider client={queryClient}>
    <OrganizationProvider>
    <BrowserRouter>`,
  );
  expect(text("src/auth/ProtectedRoute.tsx")).toContain(
    "return <><OrganizationBoundary>{children}</OrganizationBoundary></>;",
  );
  expect(scaffoldLeft).toEqual([expect.stringMatching(/^put <OrganizationSwitcher/)]);
});

test("a banner on the sign-in page does not get the hook, and a page behind the sign-in does", async () => {
  const { text, left } = await scaffoldAndRewrite(routedApp);
  signInIsClean(text("src/components/Banner.tsx"));
  expect(left).toContainEqual(
    expect.stringMatching(
      /^src\/components\/Banner\.tsx: Banner is rendered at src\/pages\/SignIn\.tsx:6, outside <OrganizationBoundary>/,
    ),
  );
  expect(text("src/hooks/useLeads.ts")).toContain("const { organizationId } = useOrganization();");
  expect(text("src/hooks/useLeads.ts")).toContain('.eq("organization_id", organizationId)');
});

const guard = routedApp["src/auth/ProtectedRoute.tsx"];
const app = routedApp["src/App.tsx"];

/** Other forms of the same application, which are safe for the same reasons. */
const variants: Readonly<Record<string, Files>> = {
  "providers in a component of their own": {
    "src/Providers.tsx": `import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
const client = new QueryClient();
export function Providers({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
`,
    "src/App.tsx": app
      .replace(/import \{ QueryClient.*\n/, 'import { Providers } from "./Providers";\n')
      .replace(/const queryClient.*\n/, "")
      .replace("QueryClientProvider client={queryClient}", "Providers")
      .replace("/QueryClientProvider", "/Providers"),
  },
  "lazy pages": {
    "src/App.tsx": app
      .replace(
        'import { Leads } from "@/pages/Leads";',
        'import { lazy } from "react";\nconst Leads = lazy(() => import("@/pages/Leads").then((m) => ({ default: m.Leads })));',
      )
      .replace(
        'import { SignIn } from "@/pages/SignIn";',
        'const SignIn = lazy(() => import("@/pages/SignIn"));',
      ),
    "src/pages/SignIn.tsx": `${routedApp["src/pages/SignIn.tsx"].replace("export function", "function")}
export default SignIn;
`,
  },
  "a default export that is an arrow": {
    "src/App.tsx": app
      .replace("const App = () => (", "export default () => (")
      .replace("export default App;\n", "")
      .replace("{ SignIn }", "SignIn"),
    "src/pages/SignIn.tsx": `import { Banner } from "@/components/Banner";
export default () => <Banner />;
`,
    "src/other.ts": 'export { default as Entrance } from "@/pages/SignIn";\n',
  },
  "memo and forwardRef": {
    "src/components/Banner.tsx": `import { forwardRef, memo } from "react";
export const Banner = memo(
  forwardRef<HTMLParagraphElement>(function Banner(_props, ref) {
    return <p ref={ref}>{localStorage.getItem("lead-note")}</p>;
  }),
);
`,
    "src/pages/Leads.tsx": `import { memo } from "react";
import { useLeads } from "@/hooks/useLeads";
export const Leads = memo(() => <p>{useLeads().data?.length}</p>);
`,
  },
  "a class": {
    "src/pages/SignIn.tsx": `import { Component } from "react";
import { Banner } from "@/components/Banner";
export class SignIn extends Component {
  render() {
    return <Banner />;
  }
}
`,
  },
  "component={X}": {
    "src/App.tsx": app
      .replace("element={<SignIn />}", "component={SignIn}")
      .replace(
        "element={<ProtectedRoute><Leads /></ProtectedRoute>}",
        "render={() => <ProtectedRoute><Leads /></ProtectedRoute>}",
      ),
  },
  "a guard that is a layout's route": {
    "src/auth/ProtectedRoute.tsx": guard
      .replace("Navigate }", "Navigate, Outlet }")
      .replace("{ children }: { children: ReactNode }", "")
      .replace("<>{children}</>", "<Outlet />"),
    "src/App.tsx": app.replace(
      '<Route path="/" element={<ProtectedRoute><Leads /></ProtectedRoute>} />',
      '<Route element={<ProtectedRoute />}><Route path="/" element={<Leads />} /></Route>',
    ),
  },
  "a guard that is given its page as a property": {
    "src/auth/ProtectedRoute.tsx": guard
      .replace("{ children }: { children: ReactNode }", "{ component: Page }: { component: any }")
      .replace("<>{children}</>", "<OrganizationBoundary><Page /></OrganizationBoundary>")
      .replace(
        "import",
        'import { OrganizationBoundary } from "@/contexts/OrganizationContext";\nimport',
      ),
    "src/App.tsx": app.replace(
      "element={<ProtectedRoute><Leads /></ProtectedRoute>}",
      "element={<ProtectedRoute component={Leads} />}",
    ),
  },
  "routes that are objects": {
    "src/auth/ProtectedRoute.tsx": guard
      .replace("Navigate }", "Navigate, Outlet }")
      .replace("{ children }: { children: ReactNode }", "")
      .replace("<>{children}</>", "<Outlet />"),
    "src/App.tsx": `import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter, RouterProvider } from "react-router-dom";
import { AuthProvider } from "@/auth/AuthProvider";
import { ProtectedRoute } from "@/auth/ProtectedRoute";
import { Leads } from "@/pages/Leads";
import { SignIn } from "@/pages/SignIn";

const router = createBrowserRouter([
  { path: "/sign-in", Component: SignIn },
  { element: <ProtectedRoute />, children: [{ path: "/", element: <Leads /> }] },
]);

export default function App() {
  return (
    <QueryClientProvider client={new QueryClient()}>
      <AuthProvider>
        <RouterProvider router={router} />
      </AuthProvider>
    </QueryClientProvider>
  );
}
`,
  },
};

test.each(Object.entries(variants))(
  "so it is with %s",
  { timeout: 60_000 },
  async (_name, files) => {
    const all: Files = { ...routedApp, ...files };
    const { text, left, scaffoldLeft } = await scaffoldAndRewrite(all);
    expect(text("src/main.tsx")).toBe(all["src/main.tsx"]);
    expect(text("src/App.tsx") + text("src/Providers.tsx")).toContain("<OrganizationProvider>");
    expect(scaffoldLeft.join("\n")).not.toContain("<OrganizationProvider>");
    signInIsClean(text("src/components/Banner.tsx"));
    signInIsClean(text("src/pages/SignIn.tsx"));
    expect(left.join("\n")).toMatch(/Banner is rendered at src\/pages\/SignIn\.tsx/);
    expect(text("src/hooks/useLeads.ts")).toContain("= useOrganization();");
  },
);

test("where an import cannot be resolved, a component is not treated as unused", async () => {
  const { text, left } = await scaffoldAndRewrite({
    ...routedApp,
    "src/pages/SignIn.tsx": routedApp["src/pages/SignIn.tsx"].replace(
      "@/components",
      "~/components",
    ),
    "src/pages/Leads.tsx": routedApp["src/pages/Leads.tsx"].replaceAll(/.*Banner.*\n/g, ""),
  });
  signInIsClean(text("src/components/Banner.tsx"));
  expect(left.join("\n")).toContain("Banner is rendered in places that cannot be followed");
});

test("where React Query's provider cannot be found, nothing is placed, and the output says what to write", async () => {
  const { text, scaffoldLeft } = await scaffoldAndRewrite({
    ...routedApp,
    "src/App.tsx": app
      .replace(/const App = /, "const Wrapper = [QueryClientProvider][0];\nconst App = ")
      .replaceAll("<QueryClientProvider", "<Wrapper")
      .replaceAll("</QueryClientProvider", "</Wrapper"),
  });
  expect(text("src/App.tsx")).not.toContain("OrganizationProvider");
  expect(text("src/auth/ProtectedRoute.tsx")).toBe(guard);
  expect(scaffoldLeft).toContain(
    "<QueryClientProvider> was not found where the application is rendered: put <OrganizationProvider> inside it",
  );
  expect(scaffoldLeft.join("\n")).toMatch(
    /<OrganizationBoundary> .* src\/auth\/ProtectedRoute\.tsx:8/,
  );
});

test("a provider that is outside what it needs stays, and the output says where to move it", async () => {
  const main = routedApp["src/main.tsx"].replace(
    "<App />",
    "<OrganizationProvider><App /></OrganizationProvider>",
  );
  const { text, scaffoldLeft } = await scaffoldAndRewrite({ ...routedApp, "src/main.tsx": main });
  expect(text("src/main.tsx")).toBe(main);
  expect(scaffoldLeft.join("\n")).toMatch(
    /<OrganizationProvider> \(src\/main\.tsx:7\) is outside <QueryClientProvider>, .* Move it inside, to src\/App\.tsx:11/,
  );
});

test("a hook of the application's own goes where its provider and the sign-in are, and nowhere else", async () => {
  const own = `import { createContext, type ReactNode, useContext } from "react";
import { useAuth } from "@/auth/AuthProvider";
const Context = createContext<{ organizationId: string } | undefined>(undefined);
export function OrganizationProvider({ children }: { children: ReactNode }) {
  const { user } = useAuth();
  return <Context.Provider value={{ organizationId: String(user) }}>{children}</Context.Provider>;
}
export function useOrganization() {
  const value = useContext(Context);
  if (value === undefined) throw new Error("no provider");
  return value;
}
`;
  const { text, left } = await scaffoldAndRewrite({
    ...routedApp,
    "src/contexts/OrganizationContext.tsx": own,
  });
  expect(text("src/App.tsx")).toContain("<AuthProvider>\n        <OrganizationProvider>\n");
  signInIsClean(text("src/components/Banner.tsx"));
  expect(left.join("\n")).toMatch(/Banner is rendered at .*SignIn.*no check for a signed-in user/);
  expect(text("src/hooks/useLeads.ts")).toContain("= useOrganization();");
});

test("Next: the provider goes into the layout's providers, and a page outside the boundary is not changed", async () => {
  const { "src/main.tsx": _main, "src/App.tsx": _app, ...shared } = routedApp;
  const { text, left } = await scaffoldAndRewrite({
    ...shared,
    "package.json":
      '{ "dependencies": { "react": "19.0.0", "next": "15.0.0", "@tanstack/react-query": "5.0.0" } }',
    "src/app/layout.tsx": `import { Providers } from "./providers";
export default function Layout({ children }: { children: unknown }) {
  return <html><body><Providers>{children}</Providers></body></html>;
}
`,
    "src/app/providers.tsx": `"use client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
const client = new QueryClient();
export function Providers({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
`,
    "src/app/sign-in/page.tsx": `import { SignIn } from "@/pages/SignIn";
export default function Page() {
  return <SignIn />;
}
`,
    "src/app/(app)/layout.tsx": `import { ProtectedRoute } from "@/auth/ProtectedRoute";
export default function Layout({ children }: { children: unknown }) {
  return <ProtectedRoute>{children}</ProtectedRoute>;
}
`,
    "src/app/(app)/page.tsx": `import { Leads } from "@/pages/Leads";
export default function Page() {
  return <Leads />;
}
`,
  });
  expect(text("src/app/layout.tsx")).toContain(
    "<Providers><OrganizationProvider>{children}</OrganizationProvider></Providers>",
  );
  expect(text("src/contexts/OrganizationContext.tsx")).toMatch(/^"use client";\n/);
  signInIsClean(text("src/components/Banner.tsx"));
  expect(left.join("\n")).toMatch(/Banner is rendered at src\/pages\/SignIn\.tsx/);
  expect(text("src/hooks/useLeads.ts")).toContain("= useOrganization();");
});
