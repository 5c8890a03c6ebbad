// What the pages of chats with rooms have in common. They speak first: `enter`. Entries come from the room, with
// positions; one's own messages come back, and that is how the page knows that they are kept.

import { refuseText, setLimit, startComposer } from "./composer.js";
import { connection } from "./connection.js";
import { takeEarlier } from "./earlier.js";
import { noteOf } from "./endings.js";
import { nameOf } from "./entry.js";
import { clearIntake, endMessage, startArrival, takeDraft, takeNewEntry } from "./intake.js";
import { labels, say } from "./parts.js";
import { endQuestion } from "./seams.js";
import { ownSecret } from "./secret.js";
import { clearOutbox, forgetMessage, outbox, postText, restoreOutbox, sendDue } from "./sending.js";
import { clearRows, startRows, takeVerdict } from "./rows.js";
import { choose, setting } from "./setting.js";
import { holdStale } from "./stale.js";
import { showPace } from "./status.js";
import { stopAnswer, stopping } from "./stopping.js";
import { keyFor } from "./storage.js";
import { history, onSettled, placeEntry } from "./timeline.js";
import { enableTools, offerSave } from "./tools.js";
import { transcript } from "./transcript.js";
import { watchReading } from "./unread.js";

// By this secret the server knows a guest; with another they would be somebody else.
const guest = ownSecret(keyFor("guest", location));

// Among people a question may be somebody else's.
function findOwnQuestion(answer) {
  const message = history.findQuestion(answer);
  return message?.isMine ? message : undefined;
}

startRows({
  stop: stopAnswer,
  idOf: ({ position }) => position,
  questionOf: findOwnQuestion,
});

// The room does not have it: it stays where it is.
function endUnsent(message, outcome, detail) {
  forgetMessage(message);
  message.position = (history.newest ?? 0) + 0.5;
  placeEntry(message);
  endMessage(message, outcome, detail);
}

const frames = {
  welcome(frame) {
    const { limits, room } = frame;
    setLimit(limits.message_bytes);
    // One less than the server takes before it stops reading: it is to read the pings as well.
    outbox.window = Math.max(1, limits.waiting_messages - 1);
    outbox.rewind();
    holdStale(outbox, { send: sendDue, discard: (message) => endUnsent(message, "stopped") });
    for (const id of stopping) connection.send({ type: "stop", id });
    setting.welcome(frame);
    startArrival(room);
  },

  entry: takeNewEntry,
  draft: takeDraft,
  history: takeEarlier,

  slowed({ seconds }) { showPace(seconds); },

  feedback: takeVerdict,

  error({ code, detail, in_reply_to: id }) {
    const message = id ? outbox.messages.get(id) : outbox.suspect;
    if (code === "bad_name") {
      setting.refuseName?.();
    } else if (message) {
      endUnsent(message, "failed", detail);
    } else if (!id) {
      refuseText(say("failed", { detail }));
    } else {
      takeVerdict({ code, refused: id });
    }
  },
};

const handlers = {
  open() { connection.send({ type: "enter", after: history.newest, guest, ...setting.enter() }); },

  // The server has closed the connection over something that it could not read.
  fail() {
    if (outbox.suspect) endUnsent(outbox.suspect, "failed", labels.unreadable);
  },

  lose() {
    outbox.rewind();
    endQuestion();
    for (const { item, timer, isHeld } of history.loose) {
      clearTimeout(timer);
      if (!isHeld) transcript.noteItem(item, labels.waiting);
    }
    sendDue();
  },

  frame(frame) {
    frames[frame.type]?.(frame);
    sendDue();
  },
};

// Of what another tab has cleared this one still has what it has not sent.
function restart(isOurs) {
  if (isOurs) clearOutbox();
  else outbox.clear();
  stopping.clear();
  transcript.clear();
  clearRows();
  clearIntake();
  enableTools(false);
  restoreOutbox();
  sendDue();
  connection.restart();
}

export function startRoom(own) {
  choose(own);
  Object.assign(frames, own.frames);
  offerSave(() => history.all, nameOf, noteOf);
  onSettled(own.settle);
  own.start(restart);
  watchReading();
  restoreOutbox();
  startComposer({ post: postText, stop: stopAnswer, connect: () => connection.connect() });
  connection.start(handlers);
}
