import { useCalls } from "@/hooks/useCalls";

export function Calls() {
  const calls = useCalls();
  return (
    <section aria-label="Calls">
      <h2>Calls</h2>
      {calls.error !== null && <p role="alert">{calls.error.message}</p>}
      <ul>
        {calls.data?.map((call) => (
          <li key={call.id}>
            <span>{call.leads.name}</span>
            <span>{call.outcome}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
