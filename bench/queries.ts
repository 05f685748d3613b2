/** How many files a part of the application has, with how many queries. */
export type ApplicationPart = { readonly files: number; readonly chains: number };

export const tables = Array.from({ length: 40 }, (_, index) =>
  index < 3 ? (["leads", "campaigns", "call_logs"][index] ?? "") : `records_${index}`,
);
/** The share of one of several; the shares add up to the whole. */
export function share(all: number, among: number, index: number): number {
  return Math.floor(((index + 1) * all) / among) - Math.floor((index * all) / among);
}

/** One query, in one of the forms of real code. */
export function chain(index: number, on: string): string {
  const table = tables[(index * 7) % tables.length];
  const forms = [
    `await ${on}\n    .from("${table}")\n    .select("*")\n    .eq("status", "new")\n    .order("created_at", { ascending: false });`,
    `await ${on}\n    .from("${table}")\n    .select("id, name, phone")\n    .eq("id", id)\n    .maybeSingle();`,
    `await ${on}.from("${table}").update({ status: "done" }).eq("id", id);`,
    `await ${on}\n    .from("${table}")\n    .insert({\n      phone: id,\n      name: "${index}",\n    });`,
    `await ${on}\n    .from("${table}")\n    .insert([id].map((phone) => ({ phone, status: "new" })));`,
    `await ${on}.from("${table}").delete().eq("id", id);`,
    `await ${on}\n    .from("${table}")\n    .select("id", { count: "exact", head: true })\n    .gte("created_at", id);`,
    `await ${on}\n    .from("leads")\n    .upsert({ phone: id, name: "${index}" }, { onConflict: "phone" });`,
  ];
  return `  ${forms[index % forms.length]}`;
}
