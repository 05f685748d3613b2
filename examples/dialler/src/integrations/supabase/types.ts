export type Database = {
  public: {
    Tables: {
      call_logs: {
        Row: {
          campaign_id: string | null;
          created_at: string;
          duration_seconds: number;
          id: string;
          lead_id: string;
          outcome: string | null;
          phone_number: string;
          status: string;
        };
        Insert: {
          campaign_id?: string | null;
          created_at?: string;
          duration_seconds?: number;
          id?: string;
          lead_id: string;
          outcome?: string | null;
          phone_number: string;
          status?: string;
        };
        Update: {
          campaign_id?: string | null;
          created_at?: string;
          duration_seconds?: number;
          id?: string;
          lead_id?: string;
          outcome?: string | null;
          phone_number?: string;
          status?: string;
        };
        Relationships: [
          {
            foreignKeyName: "call_logs_lead_id_fkey";
            columns: ["lead_id"];
            isOneToOne: false;
            referencedRelation: "leads";
            referencedColumns: ["id"];
          },
        ];
      };
      campaigns: {
        Row: {
          id: string;
          name: string;
          status: string;
          user_id: string;
        };
        Insert: {
          id?: string;
          name: string;
          status?: string;
          user_id: string;
        };
        Update: {
          id?: string;
          name?: string;
          status?: string;
          user_id?: string;
        };
        Relationships: [];
      };
      leads: {
        Row: {
          created_at: string;
          id: string;
          name: string | null;
          phone: string;
          status: string;
          user_id: string;
        };
        Insert: {
          created_at?: string;
          id?: string;
          name?: string | null;
          phone: string;
          status?: string;
          user_id: string;
        };
        Update: {
          created_at?: string;
          id?: string;
          name?: string | null;
          phone?: string;
          status?: string;
          user_id?: string;
        };
        Relationships: [];
      };
    };
    Views: Record<never, never>;
    Functions: Record<never, never>;
  };
};
