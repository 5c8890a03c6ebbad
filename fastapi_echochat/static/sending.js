// One's own messages until the room has them.

import { newId } from "./composer.js";
import { connection } from "./connection.js";
import { showEntry } from "./entry.js";
import { Outbox } from "./outbox.js";
import { guardLeaving } from "./leaving.js";
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
  guardLeaving(outbox);
}

const recallOutbox = () => recall("sessionStorage", outboxKey) ?? [];

// What is not known to be kept outlives a reload, and is sent again. So does what another page of
// this tab keeps; sent twice, it is one message.
function keepOutbox(gone = []) {
  const all = new Map(recallOutbox().map((message) => [message.id, message]));
  for (const { id } of gone) all.delete(id);
  for (const message of outbox.messages.values()) all.set(message.id, message);
  remember("sessionStorage", outboxKey, [...all.values()], ["id", "text", "at"]);
}

export function forgetMessage(message) {
  clearTimeout(message.timer);
  outbox.remove(message);
  keepOutbox([message]);
}

export function clearOutbox() {
  const gone = [...outbox.messages.values()];
  outbox.clear();
  keepOutbox(gone);
}

function holdMessage(message) {
  showEntry(Object.assign(message, { kind: "message", author: setting.author, isMine: true }));
  message.item.classList.add("waiting");
  holdEntry(message);
  outbox.add(message);
}

export function restoreOutbox() {
  for (const message of recallOutbox()) holdMessage(message);
  transcript.noteGrowth();
}

export function postText(text) {
  const message = { id: newId(), text, at: Date.now() };
  holdMessage(message);
  transcript.follow(setting.isAlone ? message.item : undefined);
  keepOutbox();
  setting.notePosted?.();
  unmarkFresh();
  if (!connection.isOpen) {
    transcript.noteItem(message.item, labels.waiting);
    connection.hurry();
  }
  sendDue();
}
