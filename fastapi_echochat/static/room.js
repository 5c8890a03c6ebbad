// The page of a chat with rooms. It speaks first: `enter`. Entries come from the room, with
// positions; one's own messages come back, and that is how the page knows that they are kept.

import { refuseText, setLimit, startComposer } from "./composer.js";
import { connection } from "./connection.js";
import { takeEarlier } from "./earlier.js";
import { nameOf } from "./entry.js";
import { clearIntake, endMessage, startArrival, takeDraft, takeNewEntry } from "./intake.js";
import { labels, part, say } from "./parts.js";
import { endQuestion } from "./seams.js";
import { ownSecret } from "./secret.js";
import { clearOutbox, forgetMessage, outbox, postText, restoreOutbox, sendDue } from "./sending.js";
import { clearRows, startRows, takeVerdict } from "./rows.js";
import { setting } from "./setting.js";
import { showPace } from "./status.js";
import { showStop, stopAnswer, stopping } from "./stopping.js";
import { keyFor } from "./storage.js";
import { history, onSettled, placeEntry } from "./timeline.js";
import { enableTools, saveEntries } from "./tools.js";
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

const frames = {
  ...setting.frames,

  welcome(frame) {
    const { limits, room } = frame;
    setLimit(limits.message_bytes);
    // One less than the server takes before it stops reading: it is to read the pings as well.
    outbox.window = Math.max(1, limits.waiting_messages - 1);
    outbox.rewind();
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
    const message = outbox.messages.get(id);
    if (code === "bad_name") {
      setting.refuseName?.();
    } else if (message) {
      forgetMessage(message);
      // The room does not have it: it stays where it is.
      message.position = (history.newest ?? 0) + 0.5;
      placeEntry(message);
      endMessage(message, "failed", detail);
    } else if (!id) {
      refuseText(say("failed", { detail }));
    } else {
      takeVerdict({ code, refused: id });
    }
  },
};

const handlers = {
  open() { connection.send({ type: "enter", after: history.newest, guest, ...setting.enter() }); },

  lose() {
    outbox.rewind();
    endQuestion();
    for (const { item, timer } of history.loose) {
      clearTimeout(timer);
      transcript.noteItem(item, labels.waiting);
    }
    showStop();
  },

  frame(frame) {
    frames[frame.type]?.(frame);
    sendDue();
  },
};

function restart() {
  clearOutbox();
  stopping.clear();
  transcript.clear();
  clearRows();
  clearIntake();
  enableTools(false);
  showStop();
  connection.restart();
}

part("save").addEventListener("click", () => saveEntries(history.all, nameOf));
onSettled(setting.settle);
setting.start(restart);
watchReading();
restoreOutbox();
startComposer({ post: postText, stop: stopAnswer, connect: () => connection.connect() });
connection.start(handlers);
