// The page of a chat without rooms: one person, and one reply function.

import { field, newId, offerStop, refuseText, setLimit, startComposer } from "./composer.js";
import { connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Draft } from "./draft.js";
import { showEnd, showTimes } from "./endings.js";
import { Outbox } from "./outbox.js";
import { announce, labels, part, say } from "./parts.js";
import { clearRows, showRow, startRows, takeVerdict } from "./rows.js";
import { showPace } from "./status.js";
import { keyFor } from "./storage.js";
import { showThinking } from "./thinking.js";
import { enableTools, mayClear, saveEntries } from "./tools.js";
import { transcript } from "./transcript.js";
import { noteNews, unmarkFresh, watchReading } from "./unread.js";

const names = { mine: labels.you, answer: labels.answer };
const conversation = new Conversation(keyFor("conversation", location));
const outbox = new Outbox();

// An answer has the id of its message.
startRows({
  stop: stopAnswer,
  idOf: ({ id }) => id,
  questionOf: ({ id }) => conversation.entries.find((entry) => entry.kind === "mine" && entry.id === id),
});

// --- Messages ------------------------------------------------------------------------------

function sendDue() {
  if (connection.isOpen) {
    for (const { id, text, item } of outbox.takeDue(performance.now())) {
      transcript.noteItem(item);
      connection.send({ type: "message", id, text });
    }
  }
  showProgress();
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
  unmarkFresh();
  transcript.follow(message.item);
  if (connection.isOpen) sendDue();
  else {
    transcript.noteItem(message.item, labels.waiting);
    connection.hurry();
  }
}

function showProgress() {
  const { current } = outbox;
  offerStop(current?.draft ? -Infinity : current?.sentAt);
  showThinking(current?.draft ? undefined : current?.sentAt);
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
  outbox.remove(message);
  message.end = how;
  message.detail = detail;
  showEnd(message);
  if (!message.draft) {
    // That it was coming is not to be heard after it.
    announce("");
    return;
  }
  const { entry } = message.draft;
  message.draft.flush();
  message.draft = undefined;
  entry.end = how;
  showEnd(entry);
  transcript.unhushItem(entry.item);
  noteNews(entry);
  announce(`${labels.answer}: ${entry.item.body.words}`);
}

// --- The connection ------------------------------------------------------------------------

const frames = {
  welcome({ limits }) {
    setLimit(limits.message_bytes);
    outbox.window = limits.waiting_messages;
    outbox.rewind();
    transcript.readNews();
  },

  slowed({ seconds }) { showPace(seconds); },

  reply(frame) {
    const message = outbox.messages.get(frame.in_reply_to);
    if (message) takePiece(message, frame);
  },

  feedback: takeVerdict,

  error({ code, detail, in_reply_to: id }) {
    const message = outbox.messages.get(id);
    const words = labels[code] ?? detail;
    if (message) endMessage(message, code === "stopped" ? "stopped" : "failed", words);
    else if (!id) refuseText(say("failed", { detail }));
    else takeVerdict({ code, refused: id });
  },
};

const handlers = {
  lose() {
    outbox.rewind();
    for (const { item, draft } of outbox.messages.values()) {
      transcript.noteItem(item, labels.waiting);
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

part("save").addEventListener("click", () => {
  saveEntries(conversation.entries, ({ kind }) => names[kind]);
});
part("clear").addEventListener("click", () => {
  if (!mayClear()) return;
  for (const { id, sentAt } of outbox.messages.values()) {
    if (sentAt) connection.send({ type: "stop", id });
  }
  outbox.clear();
  conversation.clear();
  transcript.clear();
  clearRows();
  enableTools(false);
  showProgress();
  field.focus();
});

// A tab that a phone throws away in the background hears nothing later than that it is hidden.
const keepConversation = () => conversation.keep();
addEventListener("pagehide", keepConversation);
document.addEventListener("visibilitychange", keepConversation);

for (const entry of conversation.entries) {
  showEntry(entry);
  if (!entry.end) outbox.add(entry);
}
watchReading();
startComposer({ post: postText, stop: stopAnswer, connect: () => connection.connect() });
connection.start(handlers);
