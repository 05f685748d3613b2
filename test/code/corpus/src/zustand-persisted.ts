// expect: localStorage unfenced → left shared-cache
import { persist } from "zustand/middleware";

export const store = persist({ selected: "" }, { name: "lead store" });
