// How messages and answers ended, and what can be done with them then.

import { field, submitText } from "./composer.js";
import { labels, part, say } from "./parts.js";
import { showRow } from "./rows.js";
import { transcript } from "./transcript.js";

// An `end` is `done`, `stopped` or `failed`; an entry that is under way has none.
export const noteOf = ({ kind, end, detail }) =>
  !end || end === "done" ? ""
    : kind === "answer" ? labels.incomplete
    : end === "stopped" ? labels.stopped : say("failed", { detail });

export function showEnd(entry, isMine = true) {
  const { item, kind, end } = entry;
  for (const button of item.querySelectorAll(".again")) button.remove();
  item.classList.toggle("failed", end === "failed" && kind !== "answer");
  transcript.noteItem(item, noteOf(entry));
  if (kind === "answer") {
    showRow(entry);
  } else if (end !== "done" && isMine) {
    offerAgain(entry);
  }
}

export function offerAgain({ item, text }) {
  transcript.addButton(item, "again", labels.send_again, () => {
    submitText(text);
    field.focus();
  });
}

// Shows how long an answer took, whole, and where it came in pieces to the first of them.
export function showTimes(sentAt, firstAt) {
  // A page that is not for developers has no such words, and no place for them.
  if (!labels.round_trip) return;
  const since = (at) => Math.max(1, Math.round(at - sentAt));
  const times = { first: since(firstAt), ms: since(performance.now()) };
  part("round-trip").textContent = say(firstAt ? "round_trip_pieces" : "round_trip", times);
}
