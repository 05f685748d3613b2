// expect: localStorage no organization → unchanged
// expect: localStorage no organization → unchanged
// expect: localStorage no organization → unchanged
// expect: localStorage no organization → unchanged
// expect: localStorage no organization → unchanged
// expect: localStorage no organization → unchanged
import { useState } from "react";

export function Banner() {
  const [isDismissed, setDismissed] = useState(() => localStorage.getItem("banner") !== null);
  const [look, setLook] = useState<"dark" | "light">("dark");
  const dismiss = () => {
    localStorage.setItem("banner", new Date().toISOString());
    localStorage.setItem("look", look);
    localStorage.setItem("sidebar", JSON.stringify({ isOpen: !isDismissed, wide: true }));
    setDismissed(true);
    setLook("light");
  };
  return <p onClick={dismiss}>{localStorage.getItem("look")}</p>;
}

export const openSidebar = () => localStorage.setItem("sidebar", String(true));
