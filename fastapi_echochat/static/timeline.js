// Where the entries of a room, and marks before them, are in the list of messages.

import { History } from "./history.js";
import { marks } from "./marks.js";
import { transcript } from "./transcript.js";

export const history = new History();
// Told of an entry that has a new neighbour before it.
let settle;

export const onSettled = (listener) => { settle = listener; };

export function holdEntry(entry) {
  putItem(entry.item, history.hold(entry)?.item);
  settle?.(entry, history.entries.at(-1));
}

export function placeEntry(entry) {
  const index = history.place(entry);
  const next = history.entries[index + 1];
  putItem(entry.item, next ? headOf(next) : history.loose[0]?.item);
  settle?.(entry, history.entries[index - 1]);
  if (next) settle?.(next, entry);
}

const headOf = (entry) => entry.seam ?? entry.day ?? entry.fresh ?? entry.item;

// What is in its place already is not moved: a screen reader would read it out again.
function putItem(item, next) {
  const list = item.parentElement;
  const after = item.nextElementSibling ?? list?.nextElementSibling?.querySelector("li");
  if (list && (after ?? undefined) === next) return;
  if (next) putBefore(item, next);
  else transcript.list.append(item);
}

function putBefore(item, next) {
  const list = next.parentElement;
  if (transcript.hasSpace(list) || next.previousElementSibling) return next.before(item);
  const before = list.previousElementSibling;
  return (transcript.hasSpace(before) ? before : transcript.newList(list)).append(item);
}

// Returns the new first entry, where older ones have gone.
export function trimTimeline() {
  const old = history.trim();
  for (const entry of old) {
    const list = entry.item.parentElement;
    for (const name of marks) entry[name]?.remove();
    entry.item.remove();
    if (!list.childElementCount) list.remove();
  }
  return old.length ? history.entries[0] : undefined;
}

// What is before one's eyes stays there while something comes in above it.
export function keepPlace(change) {
  const { box } = transcript;
  const bottomOf = ({ item }) => item.getBoundingClientRect().bottom;
  const { top } = box.getBoundingClientRect();
  const { entries } = history;
  const read = entries.find((entry) => bottomOf(entry) > top) ?? entries.at(-1);
  const before = bottomOf(read);
  const restoreTop = () => { box.scrollTop += bottomOf(read) - before; };
  change();
  if (transcript.isFollowing) {
    transcript.followEnd();
    return;
  }
  restoreTop();
  // What has come in takes its real height once it is in view.
  requestAnimationFrame(restoreTop);
}
