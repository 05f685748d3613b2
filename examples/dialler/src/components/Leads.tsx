import { useEffect, useState } from "react";
import { useDisposition } from "@/hooks/useCalls";
import { type NewLead, useLeads, useNewestLead, useUploadLeads } from "@/hooks/useLeads";
import { supabase } from "@/integrations/supabase/client";

/** One lead per line: name, phone. */
function readLeads(text: string): NewLead[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", phone = ""] = line.split(",").map((part) => part.trim());
    return phone === "" ? [] : [{ name, phone }];
  });
}

export function Leads() {
  const leads = useLeads();
  const newest = useNewestLead();
  const [userId, setUserId] = useState("");
  const upload = useUploadLeads(userId);
  const disposition = useDisposition();
  const [fault, setFault] = useState<string>();
  const [text, setText] = useState(() => localStorage.getItem("lead-draft") ?? "");
  useEffect(() => {
    supabase.auth.getUser().then(({ data }) => setUserId(data.user?.id ?? ""));
  }, []);
  useEffect(() => {
    localStorage.setItem("lead-draft", text);
  }, [text]);
  return (
    <section aria-label="Leads">
      <h2>Leads</h2>
      {newest !== undefined && <p className="notice">New lead: {newest}</p>}
      <textarea
        aria-label="Leads to upload"
        placeholder="name, phone"
        rows={3}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button
        type="button"
        disabled={userId === ""}
        onClick={() => upload.mutate(readLeads(text), { onSuccess: () => setText("") })}
      >
        Upload
      </button>
      {upload.error !== null && <p role="alert">{upload.error.message}</p>}
      {leads.error !== null && <p role="alert">{leads.error.message}</p>}
      {fault !== undefined && <p role="alert">{fault}</p>}
      <ul>
        {leads.data?.map((lead) => (
          <li key={lead.id} data-lead={lead.id}>
            <span>
              {lead.name} <small>{lead.phone}</small>
            </span>
            <span>{lead.status}</span>
            <button
              type="button"
              onClick={() => {
                setFault(undefined);
                disposition(lead.id, "interested").catch((error) => setFault(String(error)));
              }}
            >
              Interested
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
