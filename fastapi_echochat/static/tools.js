// The buttons that save a conversation as text and clear it.

import { noteOf } from "./endings.js";
import { announce, labels, part, relabelButton, title } from "./parts.js";

export const enableTools = (isEnabled) => {
  part("save").disabled = part("clear").disabled = !isEnabled;
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
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Asks once, and returns whether it had asked before.
export function mayClear() {
  const button = part("clear");
  const isAsked = button.textContent !== labels.clear_all;
  if (isAsked) {
    relabelButton(button, labels.clear_all, 0, labels.clear_all);
    announce(labels.cleared);
  } else {
    announce(labels.clear_really);
    relabelButton(button, labels.clear_really, 5000, labels.clear_all);
  }
  return isAsked;
}
