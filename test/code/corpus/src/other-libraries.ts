// expect: query by Prisma not judged → left other-library
// expect: sql leads unfenced → left unfenced-sql
// expect: query by Kysely not judged → left other-library
// expect: query by Kysely not judged → left other-library
// expect: query by Knex not judged → left other-library
// expect: query by Drizzle not judged → left other-library
import { PrismaClient } from "@prisma/client";
import drizzle from "drizzle-orm";
import makeKnex from "knex";
import { Kysely } from "kysely";

type Tables = { leads: { phone: string } };
const prisma = new PrismaClient();
const kysely = new Kysely<Tables>({});
const knex = makeKnex({ client: "pg" });
const db = drizzle("postgresql://");

export const byPrisma = () => prisma.leads.findMany({ where: { status: "new" } });
export const raw = (id: string) => prisma.$queryRaw`SELECT * FROM leads WHERE id = ${id}`;
export const byKysely = () => kysely.selectFrom("leads").selectAll().execute();
export const handed = (other: Kysely<Tables>) => other.selectFrom("leads").selectAll().execute();
export const byKnex = () => knex("leads").select("*");
export const byDrizzle = () => db.select().from("leads");
