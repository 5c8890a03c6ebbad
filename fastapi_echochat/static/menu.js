// The menu of a conversation, and what is in it.

import { announce, labels, part, title } from "./parts.js";
import { relabelButton, restoreButton } from "./relabel.js";

const box = part("menu");
// In milliseconds.
const asksFor = 5000;
let askedAt = -Infinity;

// Closed, it gives the focus back to the button that opens it.
function closeMenu() {
  if (!box.open) return;
  const hadFocus = box.contains(document.activeElement);
  box.open = false;
  if (hadFocus) box.querySelector("summary").focus();
}

// Sweden writes times as ISO 8601 does, but in the person's own time zone.
function writeEntry({ at, text, name, note }) {
  const time = new Date(at).toLocaleString("sv");
  return `${name} [${time}]\n${text}\n${note ? `(${note})\n` : ""}`;
}

function save(entries) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([entries.map(writeEntry).join("\n")]));
  link.download = `${title}.txt`;
  link.click();
  closeMenu();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Asks once, and returns whether it had asked before.
function mayClear() {
  const now = performance.now();
  const isAsked = now - askedAt < asksFor;
  const { clear_really: question, cleared } = labels;
  if (isAsked) restoreButton(part("clear"));
  else relabelButton(part("clear"), question, asksFor);
  announce(isAsked ? cleared : question);
  askedAt = isAsked ? -Infinity : now;
  if (isAsked) closeMenu();
  return isAsked;
}

box.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !box.open) return;
  closeMenu();
  // A widget around this page closes at a key that has no use in it.
  event.preventDefault();
});
box.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !box.contains(relatedTarget)) box.open = false;
});
addEventListener("pointerdown", ({ target }) => { if (!box.contains(target)) box.open = false; });
// A press beside the page, in the host's, of a frame.
addEventListener("blur", () => { box.open = false; });

export const menu = { save, mayClear };
