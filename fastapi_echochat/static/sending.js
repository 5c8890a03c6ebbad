// One's own messages until the room has them.

import { newId } from "./composer.js";
import { connection } from "./connection.js";
import { showEntry } from "./entry.js";
import { Outbox } from "./outbox.js";
import { labels } from "./parts.js";
import { setting } from "./setting.js";
import { showStop } from "./stopping.js";
import { keyFor, recall, remember } from "./storage.js";
import { holdEntry } from "./timeline.js";
import { transcript } from "./transcript.js";
import { unmarkFresh } from "./unread.js";

const outboxKey = keyFor("outbox", location);
const longAfter = 1000;
export const outbox = new Outbox();

export function sendDue() {
  if (connection.isOpen && setting.maySpeak) {
    for (const message of outbox.takeDue(performance.now())) {
      const { id, text, item } = message;
      transcript.noteItem(item);
      connection.send({ type: "message", id, text });
      message.timer = setTimeout(() => transcript.noteItem(item, labels.sending), longAfter);
    }
  }
  showStop();
}

// What is not known to be kept outlives a reload, and is sent again.
function keepOutbox() {
  remember("sessionStorage", outboxKey, [...outbox.messages.values()], ["id", "text", "at"]);
}

export function forgetMessage(message) {
  clearTimeout(message.timer);
  outbox.remove(message);
  keepOutbox();
}

export function clearOutbox() {
  outbox.clear();
  keepOutbox();
}

function holdMessage(message) {
  showEntry(Object.assign(message, { kind: "message", author: setting.author, isMine: true }));
  message.item.classList.add("waiting");
  holdEntry(message);
  outbox.add(message);
}

export function restoreOutbox() {
  for (const message of recall("sessionStorage", outboxKey) ?? []) holdMessage(message);
  transcript.noteGrowth();
}

export function postText(text) {
  const message = { id: newId(), text, at: Date.now() };
  holdMessage(message);
  transcript.follow(setting.isAlone ? message.item : undefined);
  keepOutbox();
  setting.notePosted?.();
  unmarkFresh();
  if (connection.isOpen) sendDue();
  else {
    transcript.noteItem(message.item, labels.waiting);
    connection.hurry();
  }
}
