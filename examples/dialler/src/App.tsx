import type { Session } from "@supabase/supabase-js";
import { useEffect, useState } from "react";
import { Calls } from "@/components/Calls";
import { Campaigns } from "@/components/Campaigns";
import { Leads } from "@/components/Leads";
import { SignIn } from "@/components/SignIn";
import { supabase } from "@/integrations/supabase/client";

export function App() {
  // Undefined until the session is known, so that the sign-in form does not appear for a moment.
  const [session, setSession] = useState<Session | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, next) => setSession(next));
    return () => data.subscription.unsubscribe();
  }, []);
  if (session === undefined) return null;
  if (session === null) return <SignIn />;
  return (
    <>
      <header>
        <h1>Dialler</h1>
        <span>{session.user.email}</span>
        <button type="button" onClick={() => supabase.auth.signOut()}>
          Sign out
        </button>
      </header>
      <main>
        <Leads />
        <Campaigns />
        <Calls />
      </main>
    </>
  );
}
