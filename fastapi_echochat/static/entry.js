// An entry as it is shown.

import { labels } from "./parts.js";
import { setting } from "./setting.js";
import { enableTools } from "./tools.js";
import { transcript } from "./transcript.js";

export const nameOf = ({ kind, author, isMine }) =>
  isMine ? labels.you : author?.name ?? (kind === "answer" ? labels.answer : "");

export function showEntry(entry) {
  const { kind, text } = entry;
  entry.isMine ??= kind === "message" && setting.isMine(entry);
  const look = kind !== "message" ? kind : entry.isMine ? "mine" : "theirs";
  entry.item = transcript.makeItem(look, nameOf(entry), text);
  setting.decorate?.(entry);
  enableTools(true);
  return entry;
}
