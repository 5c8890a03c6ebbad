// What one has not read: a mark before the first of it, and its number in the tab's title. A page in
// a widget that is closed is read as little as one in a tab in the background.

import { markEntry, newMark } from "./marks.js";
import { labels, main, title } from "./parts.js";
import { transcript } from "./transcript.js";

const root = document.documentElement;
let unread = 0;
let fresh;

// Among people one may be further up. An answer of a bot is one's own, and begins in view.
const isShared = main.dataset.rooms === "shared";

const isSeen = () => !document.hidden && root.dataset.widget !== "closed" &&
  (transcript.isAtNewest || !isShared);

function showUnread(count) {
  unread = count;
  document.title = count ? `(${count}) ${title}` : title;
  // For the widget. Of a frame in a page of another host there is none.
  frameElement?.dispatchEvent(new CustomEvent("echochat:unread", { detail: count }));
}

function noteSeen() {
  if (unread && isSeen()) showUnread(0);
}

export function noteNews(entry) {
  if (isSeen() || !entry.item) return;
  if (!unread) {
    unmarkFresh();
    fresh = entry;
    markEntry(entry, "fresh", newMark(labels.new));
    entry.item.classList.remove("same");
  }
  showUnread(unread + 1);
}

export function unmarkFresh() {
  if (fresh) markEntry(fresh, "fresh");
  fresh = undefined;
}

export function watchReading() {
  document.addEventListener("visibilitychange", noteSeen);
  document.addEventListener("echochat:widget", noteSeen);
  transcript.box.addEventListener("scroll", noteSeen);
  transcript.newest.addEventListener("click", noteSeen);
}
