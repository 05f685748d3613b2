import type { Config } from "../../src/config/schema.ts";
import { smallCompany } from "../setup/small-company.ts";

/** For the company of these tests. */
export const config: Config = {
  ...smallCompany,
  exemptTables: { ...smallCompany.exemptTables, notes: "they are nobody's" },
};
