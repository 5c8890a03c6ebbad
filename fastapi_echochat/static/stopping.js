// Answers that one wants no more of.

import { offerStop } from "./composer.js";
import { connection } from "./connection.js";
import { setting } from "./setting.js";
import { history } from "./timeline.js";

// Messages whose answers are to end; the server is told again after a reconnect.
export const stopping = new Set();

function findStoppable() {
  const isMine = ({ kind, id }) => kind === "answer" && history.find("message", id)?.isMine;
  const all = [...history.loose.filter(isMine), ...setting.unanswered()];
  return connection.isOpen ? all.find(({ id }) => !stopping.has(id)) : undefined;
}

export function showStop() {
  const entry = findStoppable();
  offerStop(entry?.draft ? -Infinity : entry && (entry.sentAt ?? -Infinity));
}

// Its answer says when it has ended.
export function stopAnswer() {
  const entry = findStoppable();
  if (!entry) return false;
  stopping.add(entry.id);
  connection.send({ type: "stop", id: entry.id });
  showStop();
  return true;
}
