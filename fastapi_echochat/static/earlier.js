// Entries from before those that are here.

import { takeEntry } from "./intake.js";
import { markEntry } from "./marks.js";
import { endQuestion, markSeam } from "./seams.js";
import { history, keepPlace } from "./timeline.js";
import { transcript } from "./transcript.js";

export function takeEarlier({ entries, has_earlier: hasEarlier }) {
  const below = endQuestion();
  if (!below?.seam) return;
  const hadFocus = below.seam.contains(document.activeElement);
  keepPlace(() => {
    markEntry(below, "seam");
    const taken = entries.map((frame) => takeEntry(frame, true));
    // Where something is known already nothing is missing in between.
    if (taken.includes(undefined)) return;
    const top = taken.find(({ item }) => item) ?? below;
    if (hasEarlier) markSeam(top, entries[0].position);
    else if (top !== history.entries[0]) markSeam(top);
  });
  if (hadFocus) transcript.box.focus({ preventScroll: true });
}
