// The menu of what is done with a conversation as a whole.

import { part } from "./parts.js";

const menu = part("menu");

// Closed, it gives the focus back to the button that opens it.
export function closeMenu() {
  if (!menu.open) return;
  const hadFocus = menu.contains(document.activeElement);
  menu.open = false;
  if (hadFocus) menu.querySelector("summary").focus();
}

menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  closeMenu();
  // A widget around this page closes at a key that has no use in it.
  event.preventDefault();
});
menu.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
});
addEventListener("pointerdown", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
// A press beside the page, in the host's, of a frame.
addEventListener("blur", () => { menu.open = false; });
