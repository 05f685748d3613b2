// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
// expect: sql leads unfenced → left unfenced-sql
// expect: sql leads fenced → unchanged
import postgres from "postgres";

const sql = postgres("postgresql://");
const css = (texts: TemplateStringsArray) => texts.join("");

export const all = (id: string) => sql`
  select * from leads
   where id = ${id}
`;
export const own = (organization: string) => sql`select * from leads where organization_id = ${organization}`;
export const insert = (lead: object) => sql`insert into leads ${sql(lead)}`;
export const ordered = (organization: string, sort: boolean) =>
  sql`select * from leads where organization_id = ${organization} ${sort ? sql`order by id` : sql``}`;
export const style = css`select { color: red }`;
