// Answers that one wants no more of.

import { offerStop } from "./composer.js";
import { connection } from "./connection.js";
import { setting } from "./setting.js";
import { showThinking } from "./thinking.js";
import { history } from "./timeline.js";

// Messages whose answers are to end; the server is told again after a reconnect.
export const stopping = new Set();

function findStoppable() {
  const questions = history.loose.map((entry) => history.findQuestion(entry));
  const all = [...questions.filter((message) => message?.isMine), ...setting.unanswered()];
  return connection.isOpen ? all.find(({ id }) => !stopping.has(id)) : undefined;
}

export function showStop() {
  const message = findStoppable();
  const isBegun = message && history.findAnswer(message);
  const since = message && (message.sentAt ?? -Infinity);
  offerStop(isBegun ? -Infinity : since);
  showThinking(isBegun ? undefined : since);
}

// Its answer says when it has ended.
export function stopAnswer() {
  const message = findStoppable();
  if (!message) return false;
  stopping.add(message.id);
  connection.send({ type: "stop", id: message.id });
  showStop();
  return true;
}
