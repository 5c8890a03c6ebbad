// When entries were written: a time with each, a day before the first of it.

import { markEntry, newMark } from "./marks.js";
import { lang } from "./parts.js";
import { history } from "./timeline.js";

const together = 300_000;
const clock = new Intl.DateTimeFormat([], { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "short" });
const longDay = new Intl.DateTimeFormat(lang, { dateStyle: "full" });
const nearDay = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const isSamePerson = (one, other) => one?.id === other?.id && one?.name === other?.name;
const dayOf = (at) => new Date(at).setHours(0, 0, 0, 0);

function nameDay(at) {
  const ago = Math.round((dayOf(at) - dayOf(Date.now())) / 86_400_000);
  const name = ago === 0 || ago === -1 ? nearDay.format(ago, "day") : longDay.format(at);
  return name.charAt(0).toLocaleUpperCase(lang) + name.slice(1);
}

export function showTime({ item, at }) {
  const name = item.querySelector("b");
  const time = item.querySelector("time") ?? document.createElement("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = clock.format(at);
  time.title = calendar.format(at);
  name.dir = "auto";
  name.after(time);
}

// Marks a new day, and leaves out the name of an author who goes on.
export function settleEntry(entry, previous) {
  const { item, at, kind, author, position } = entry;
  const isSameDay = Boolean(previous && dayOf(previous.at) === dayOf(at));
  if (position && Boolean(entry.day) === isSameDay) {
    markEntry(entry, "day", isSameDay ? undefined : newMark(nameDay(at)));
  }
  const isSame = isSameDay && previous.kind === kind && isSamePerson(previous.author, author)
    && Math.abs(at - previous.at) < together && !entry.seam && !entry.fresh;
  item.classList.toggle("same", isSame);
}

export function renameDays() {
  for (const { day, at } of history.entries) if (day) day.textContent = nameDay(at);
  setTimeout(renameDays, dayOf(Date.now()) + 86_400_000 - Date.now() + 1000);
}
