import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeProject, type Project } from "../setup/project.ts";
import { corpusConfig } from "./corpus.ts";

const client = `declare const key: string;
declare function createClient(url: string, key: string): any;
export const supabase = createClient("https://x.example", key + "SUPABASE_ANON_KEY");
`;

/** A project with these files as its code, and without a database. */
export async function makeApplication(files: Readonly<Record<string, string>>): Promise<Project> {
  const { tables } = corpusConfig.day1;
  const project = await makeProject("postgresql://nowhere.invalid:1/none", {
    users: corpusConfig.users,
    day1: { tables },
    day2: { tables: {} },
  });
  await writeFiles(project.folder, { "src/client.ts": client, ...files });
  return project;
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
