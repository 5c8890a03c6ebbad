// The ids of what was said from this browser, by which a guest's own messages are known.

import { labels } from "./parts.js";
import { recall, remember } from "./storage.js";
import { history } from "./timeline.js";
import { discountNews } from "./unread.js";

const ownKey = "echochat own";
const ownMost = 500;
const own = new Set(recall("localStorage", ownKey));

export function rememberOwn(id) {
  own.add(id);
  const others = recall("localStorage", ownKey) ?? [];
  remember("localStorage", ownKey, [...others, id].slice(-ownMost));
}

// Reads what another tab has added, too.
export function isOwn(id, mayBeOther) {
  if (mayBeOther) for (const other of recall("localStorage", ownKey) ?? []) own.add(other);
  return own.has(id);
}

// What was said in another tab may be here before the browser tells this one whose it is.
export function watchOtherTabs(isMine) {
  addEventListener("storage", ({ key }) => {
    if (key !== ownKey) return;
    for (const entry of history.entries.slice(-ownMost)) {
      if (entry.kind !== "message" || entry.isMine || !isMine(entry)) continue;
      entry.isMine = true;
      entry.item.classList.replace("theirs", "mine");
      entry.item.querySelector("b").textContent = labels.you;
      discountNews();
    }
  });
}
