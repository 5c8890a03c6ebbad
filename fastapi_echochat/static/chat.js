// The page of a chat without rooms: one person, and one reply function.

import { Claims } from "./claims.js";
import { field, newId, offerStop, refuseText, setLimit, startComposer } from "./composer.js";
import { connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Draft } from "./draft.js";
import { noteOf, offerAgain, showEnd, showTimes } from "./endings.js";
import { guardLeaving } from "./leaving.js";
import { Outbox } from "./outbox.js";
import { announce, labels, say } from "./parts.js";
import { clearRows, showRow, startRows, takeVerdict } from "./rows.js";
import { holdStale } from "./stale.js";
import { showPace } from "./status.js";
import { keyFor } from "./storage.js";
import { showThinking } from "./thinking.js";
import { enableTools, offerClear, offerSave } from "./tools.js";
import { transcript } from "./transcript.js";
import { noteNews, unmarkFresh, watchReading } from "./unread.js";

const names = { mine: labels.you, answer: labels.answer };
const key = keyFor("conversation", location);
const outbox = new Outbox();
const owns = (id) => outbox.messages.has(id);
const conversation = new Conversation(key, { show: showNews, owns });
const claims = new Claims(key, {
  owns,
  take: (entries) => conversation.take(entries.filter(({ id }) => conversation.find("mine", id))),
});
// In milliseconds after a message was sent, for one that has no answer.
const askAfter = 1000;
const tellAfter = 1000;
let isClaiming = false;

// An answer has the id of its message.
startRows({
  stop: stopAnswer,
  idOf: ({ id }) => id,
  questionOf: ({ id }) => conversation.find("mine", id),
});

// --- Messages ------------------------------------------------------------------------------

function sendDue() {
  if (connection.isOpen && !isClaiming) {
    for (const message of outbox.takeDue(performance.now())) {
      const { id, text, item } = message;
      transcript.noteItem(item);
      connection.send({ type: "message", id, text });
      message.timer = setTimeout(askForReceipt, askAfter, message);
    }
  }
  showProgress();
}

// A server reads in order: when it answers a ping it has what was sent before.
function askForReceipt(message) {
  if (message.draft) return;
  connection.ping();
  message.timer = setTimeout(() => transcript.noteItem(message.item, labels.sending), tellAfter);
}

function takeReceipt(message) {
  clearTimeout(message.timer);
  if (message.sentAt) transcript.noteItem(message.item);
}

function showEntry(entry) {
  entry.item = transcript.makeItem(entry.kind, names[entry.kind], entry.text);
  transcript.list.append(entry.item);
  transcript.noteGrowth();
  if (entry.end) showEnd(entry);
  enableTools(true);
  return entry;
}

function postText(text) {
  const message = showEntry(conversation.add({ kind: "mine", id: newId(), text, at: Date.now() }));
  outbox.add(message);
  conversation.keep();
  unmarkFresh();
  transcript.follow(message.item);
  if (!connection.isOpen) {
    transcript.noteItem(message.item, labels.waiting);
    connection.hurry();
  }
  sendDue();
}

function showProgress() {
  const { current } = outbox;
  offerStop(current?.draft ? -Infinity : current?.sentAt);
  showThinking(current?.draft ? undefined : current?.sentAt);
  guardLeaving(outbox);
}

// Not waited for: what still comes of this answer is not wanted, and nor is it after a reconnect.
function stopAnswer() {
  const { current } = outbox;
  if (!current) return false;
  connection.send({ type: "stop", id: current.id });
  endMessage(current, "stopped");
  sendDue();
  return true;
}

// --- Answers -------------------------------------------------------------------------------

function takePiece(message, { text, done }) {
  if (!message.firstAt) takeReceipt(message);
  message.firstAt ||= performance.now();
  if (done && !message.draft) {
    noteNews(showEntry(conversation.add({ ...newAnswer(message), text, end: "done" })));
  } else {
    message.draft ??= newDraft(message);
    if (message.draft.isInterrupted) startDraft(message.draft);
    message.draft.add(text);
  }
  if (!done) return;
  showTimes(message.sentAt, message.draft && message.firstAt);
  endMessage(message, "done");
}

const newAnswer = ({ id }) => ({ kind: "answer", id, text: "", at: Date.now() });

function newDraft(message) {
  const entry = showEntry(conversation.add(newAnswer(message)));
  showRow(entry);
  return new Draft(entry, (batch) => transcript.appendText(entry.item, batch, entry.text.length));
}

function startDraft(draft) {
  const { entry } = draft;
  draft.isInterrupted = false;
  entry.text = "";
  entry.item.body.clear();
  transcript.hushItem(entry.item);
  transcript.noteItem(entry.item, labels.writing);
  announce(labels.writing);
}

function interruptDraft(draft) {
  draft.flush();
  draft.isInterrupted = true;
  transcript.noteItem(draft.entry.item, labels.incomplete);
}

function endMessage(message, how, detail) {
  const { draft } = message;
  takeReceipt(message);
  outbox.remove(message);
  Object.assign(message, { end: how, detail, draft: undefined });
  showEnd(message);
  if (draft) endDraft(draft, how);
  // That it was coming is not to be heard after it.
  else announce("");
  conversation.keep();
  claims.tell(message.id, conversation.entriesOf(message.id));
}

function endDraft(draft, how) {
  const { entry } = draft;
  draft.flush();
  entry.end = how;
  showEnd(entry);
  transcript.unhushItem(entry.item);
  noteNews(entry);
  announce(`${labels.answer}: ${entry.item.body.words}`);
}

// --- Other pages of this chat --------------------------------------------------------------

// What another page of this tab has written and ended, here and at the beginning.
function showNews(news, isCleared) {
  if (isCleared) {
    clearPage();
    for (const { item } of conversation.entries) if (item) transcript.list.append(item);
  }
  for (const entry of news) {
    if (entry.item) endElsewhere(entry);
    else showEntry(entry);
  }
  enableTools(conversation.entries.length > 0);
  claimMessages(news.filter(({ end }) => !end));
}

function endElsewhere(message) {
  takeReceipt(message);
  outbox.remove(message);
  showEnd(message);
  showProgress();
}

// Sends what no other page does.
async function claimMessages(messages) {
  if (!messages.length) return;
  for (const message of messages) outbox.add(message);
  isClaiming = true;
  const others = await claims.findOthers(messages.map(({ id }) => id));
  isClaiming = false;
  for (const message of messages.filter(({ id }) => owns(id) && others.includes(id))) {
    outbox.remove(message);
    transcript.noteItem(message.item, labels.elsewhere);
    offerAgain(message);
  }
  sendDue();
}

// --- The connection ------------------------------------------------------------------------

const frames = {
  welcome({ limits }) {
    setLimit(limits.message_bytes);
    outbox.window = limits.waiting_messages;
    outbox.rewind();
    holdStale(outbox, { send: sendDue, discard: (message) => endMessage(message, "stopped") });
    transcript.readNews();
  },

  slowed({ seconds }) { showPace(seconds); },

  reply(frame) {
    const message = outbox.messages.get(frame.in_reply_to);
    if (message) takePiece(message, frame);
  },

  pong() { for (const message of outbox.messages.values()) takeReceipt(message); },

  feedback: takeVerdict,

  error({ code, detail, in_reply_to: id }) {
    const message = id ? outbox.messages.get(id) : outbox.suspect;
    const words = labels[code] ?? detail;
    if (message) endMessage(message, code === "stopped" ? "stopped" : "failed", words);
    else if (!id) refuseText(say("failed", { detail }));
    else takeVerdict({ code, refused: id });
  },
};

const handlers = {
  // The server has closed the connection over something that it could not read.
  fail() {
    const message = outbox.suspect;
    if (message) endMessage(message, "failed", labels.unreadable);
  },

  lose() {
    outbox.rewind();
    for (const { item, draft, timer, isHeld } of outbox.messages.values()) {
      clearTimeout(timer);
      if (!isHeld) transcript.noteItem(item, labels.waiting);
      if (draft) interruptDraft(draft);
    }
    showProgress();
  },

  frame(frame) {
    frames[frame.type]?.(frame);
    sendDue();
  },
};

// --- The tools, and the beginning ----------------------------------------------------------

offerSave(() => conversation.entries, ({ kind }) => names[kind], noteOf);
offerClear(() => {
  for (const { id, sentAt } of outbox.messages.values()) {
    if (sentAt) connection.send({ type: "stop", id });
  }
  outbox.clear();
  conversation.clear();
  clearPage();
  enableTools(false);
  showProgress();
  field.focus();
});

function clearPage() {
  transcript.clear();
  clearRows();
}

addEventListener("storage", (event) => { if (event.key === key) conversation.read(); });
addEventListener("pageshow", (event) => { if (event.persisted) conversation.read(); });
addEventListener("pagehide", () => conversation.write());

conversation.read();
watchReading();
startComposer({ post: postText, stop: stopAnswer, connect: () => connection.connect() });
connection.start(handlers);
