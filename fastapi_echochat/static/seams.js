// Seams: marks where entries are missing, or may be, before the one that follows.

import { connection } from "./connection.js";
import { markEntry, newMark } from "./marks.js";
import { labels } from "./parts.js";
import { history } from "./timeline.js";
import { transcript } from "./transcript.js";

// The entry before which earlier ones were asked for.
let asked;

const seams = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) target.press();
}, { root: transcript.box, rootMargin: "200px 0px" });

// Without `before`, a position, there is nothing to ask for.
export function markSeam(entry, before) {
  const mark = newMark(entry === history.entries[0] ? "" : labels.gap);
  mark.press = () => {
    if (asked || !connection.isOpen) return;
    asked = entry;
    connection.send({ type: "earlier", before });
  };
  if (before) {
    transcript.addButton(mark, "", labels.earlier, mark.press);
    seams.observe(mark);
  }
  markEntry(entry, "seam", mark);
  entry.item.classList.remove("same");
}

// Returns the entry before which earlier ones were asked for, and waits for them no longer.
export function endQuestion() {
  const below = asked;
  asked = undefined;
  return below;
}
