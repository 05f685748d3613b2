import type { Settings } from "../config/settings.ts";
import { adminsGuide } from "./admins-guide.ts";
import { apiRequirements } from "./api-requirements.ts";
import { developersGuide } from "./developers-guide.ts";
import { usersGuide } from "./users-guide.ts";

/** A document for people who use or change the application. Its text depends on the configuration only. */
export type Guide = { readonly file: string; readonly text: string };

/** The documents that the plan's Day 3 asks for. */
export function guidesFor(settings: Settings): readonly Guide[] {
  return [
    { file: "api-requirements.md", text: apiRequirements(settings) },
    { file: "users-guide.md", text: usersGuide() },
    { file: "admins-guide.md", text: adminsGuide(settings) },
    { file: "developers-guide.md", text: developersGuide(settings) },
  ];
}
