// The buttons that save a conversation as text and clear it.

import { noteOf } from "./endings.js";
import { closeMenu } from "./menu.js";
import { announce, labels, part, relabelButton, title } from "./parts.js";

export const enableTools = (isEnabled) => {
  part("save").disabled = part("clear").disabled = part("menu").hidden = !isEnabled;
};

// Sweden writes times as ISO 8601 does, but in the person's own time zone.
function writeEntries(entries, nameOf) {
  const lines = entries.map((entry) => {
    const time = new Date(entry.at).toLocaleString("sv");
    const note = noteOf(entry);
    return `${nameOf(entry)} [${time}]\n${entry.text}\n${note ? `(${note})\n` : ""}`;
  });
  return lines.join("\n");
}

export function saveEntries(entries, nameOf) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([writeEntries(entries, nameOf)]));
  link.download = `${title}.txt`;
  link.click();
  closeMenu();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const asksFor = 5000;
let askedAt = -Infinity;

// Asks once, and returns whether it had asked before.
export function mayClear() {
  const now = performance.now();
  const isAsked = now - askedAt < asksFor;
  const { clear_all: usual, clear_really: question, cleared } = labels;
  relabelButton(part("clear"), isAsked ? usual : question, asksFor, usual);
  announce(isAsked ? cleared : question);
  askedAt = isAsked ? -Infinity : now;
  if (isAsked) closeMenu();
  return isAsked;
}
