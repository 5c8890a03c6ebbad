// What one has not read: a mark before the first of it, and its number in the tab's title.

import { labels, title } from "./parts.js";
import { markEntry, newMark } from "./timeline.js";
import { transcript } from "./transcript.js";

let unread = 0;
let fresh;

const isSeen = () => !document.hidden && transcript.isAtNewest;

const showUnread = () => { document.title = unread ? `(${unread}) ${title}` : title; };

function noteSeen() {
  if (!unread || !isSeen()) return;
  unread = 0;
  showUnread();
}

export function noteNews(entry) {
  if (isSeen() || !entry.item) return;
  if (!unread) {
    unmarkFresh();
    fresh = entry;
    markEntry(entry, "fresh", newMark(labels.new));
    entry.item.classList.remove("same");
  }
  unread += 1;
  showUnread();
}

export function unmarkFresh() {
  if (fresh) markEntry(fresh, "fresh");
  fresh = undefined;
}

export function watchReading() {
  document.addEventListener("visibilitychange", noteSeen);
  transcript.box.addEventListener("scroll", noteSeen);
  transcript.newest.addEventListener("click", noteSeen);
}
