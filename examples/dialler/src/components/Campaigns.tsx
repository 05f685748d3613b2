import { useCampaigns } from "@/hooks/useCampaigns";

export function Campaigns() {
  const campaigns = useCampaigns();
  return (
    <section aria-label="Campaigns">
      <h2>Campaigns</h2>
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
