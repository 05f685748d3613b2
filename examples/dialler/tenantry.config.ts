import { defineConfig } from "tenantry";

export default defineConfig({
  identity: { kind: "supabase" },
  users: {
    table: "auth.users",
    owners:
      "record.email IN ('agent01@alpha.example', 'agent11@beta.example', 'agent21@dialler.example')",
  },
  roles: { signedIn: "authenticated", anonymous: "anon" },
  organizations: [
    { name: "Alpha Corp", slug: "alpha", users: "record.email LIKE '%@alpha.example'" },
    { name: "Beta Inc", slug: "beta", users: "record.email LIKE '%@beta.example'" },
  ],
  day1: {
    tables: {
      leads: { user: "user_id" },
      campaigns: { user: "user_id" },
      call_logs: { via: "lead_id" },
      sms_messages: { via: "lead_id" },
      dispositions: { user: "user_id" },
    },
  },
  day2: {
    tables: {
      campaign_workflows: { via: "campaign_id" },
      workflow_steps: { via: "workflow_id" },
      lead_workflow_progress: { via: "lead_id" },
      scripts: { user: "user_id" },
      voice_broadcast: { user: "user_id" },
      phone_numbers: "default",
      carriers: "default",
      carrier_assignments: "default",
      call_queue: { via: "lead_id" },
      agent_availability: { user: "user_id" },
      ai_conversations: { via: "lead_id" },
      disposition_metrics: { via: "disposition_id" },
      dnc_list: { user: "user_id" },
      contact_lists: { user: "user_id" },
      ml_training_data: { via: "call_log_id" },
    },
  },
  // As every query of the application names one organization, keys and unique values can, too.
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"], defaultPrivileges: ["all"] },
  code: {
    app: { hook: { name: "useOrganization", from: "@/contexts/OrganizationContext" } },
    gates: { typecheck: "npm run --silent typecheck", build: "npm run --silent build" },
  },
});
