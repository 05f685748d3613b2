import { type FormEvent, useState } from "react";
import { supabase } from "@/integrations/supabase/client";

export function SignIn() {
  const [fault, setFault] = useState<string>();
  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const { error } = await supabase.auth.signInWithPassword({
      email: String(form.get("email")),
      password: String(form.get("password")),
    });
    setFault(error?.message);
  }
  return (
    <form className="sign-in" onSubmit={signIn}>
      <h2>Dialler</h2>
      <input name="email" type="email" placeholder="Email" aria-label="Email" required />
      <input
        name="password"
        type="password"
        placeholder="Password"
        aria-label="Password"
        required
      />
      <button type="submit">Sign in</button>
      {fault !== undefined && <p role="alert">{fault}</p>}
    </form>
  );
}
