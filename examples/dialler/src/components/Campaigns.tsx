import { type FormEvent, useEffect, useState } from "react";
import { useCampaigns, useCreateCampaign } from "@/hooks/useCampaigns";
import { supabase } from "@/integrations/supabase/client";

export function Campaigns() {
  const campaigns = useCampaigns();
  const [userId, setUserId] = useState("");
  const create = useCreateCampaign(userId);
  useEffect(() => {
    supabase.auth.getUser().then(({ data }) => setUserId(data.user?.id ?? ""));
  }, []);
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    create.mutate(String(name));
    event.currentTarget.reset();
  }
  return (
    <section aria-label="Campaigns">
      <h2>Campaigns</h2>
      <form onSubmit={submit}>
        <input name="name" aria-label="New campaign" placeholder="a new campaign" required />
        <button type="submit" disabled={userId === ""}>
          Create
        </button>
      </form>
      {create.error !== null && <p role="alert">{create.error.message}</p>}
      {campaigns.error !== null && <p role="alert">{campaigns.error.message}</p>}
      <ul>
        {campaigns.data?.map((campaign) => (
          <li key={campaign.id}>
            <span>{campaign.name}</span>
            <span>{campaign.status}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
