// The page of a chat without rooms: one connection, and what is said over it.

const names = { mine: labels.you, answer: labels.answer };
const nameOf = ({ kind }) => names[kind];
const conversation = new Conversation(`echochat ${endpoint}`);

const wire = new Wire(endpoint, {
  ask,

  state(state, why) {
    showState(state, why);
    if (state !== "waiting") return;
    outbox.rewind();
    slow(0);
    for (const { item, draft } of outbox.messages.values()) {
      log.note(item, labels.waiting);
      if (draft) interrupt(draft);
    }
    showStop();
  },

  frame(frame) {
    const message = outbox.messages.get(frame.in_reply_to);
    if (frame.type === "welcome") {
      limit = frame.limits.message_bytes ?? Infinity;
      outbox.window = frame.limits.waiting_messages;
      outbox.rewind();
      part("log").removeAttribute("aria-live");
    } else if (frame.type === "slowed") {
      slow(frame.seconds);
    } else if (frame.type === "reply") {
      if (message) takePiece(message, frame);
    } else if (frame.type === "error") {
      const detail = labels[frame.code] ?? frame.detail;
      if (message) end(message, frame.code === "stopped" ? "stopped" : "failed", detail);
      else if (!frame.in_reply_to) refuse(say("failed", frame));
    }
    flush();
  },
});

function flush() {
  if (wire.monitor.isOpen) {
    for (const { id, text, item } of outbox.due()) {
      log.note(item);
      wire.send({ type: "message", id, text });
    }
  }
  showStop();
}

function show(entry) {
  entry.item = log.add(entry.kind, names[entry.kind], entry.text);
  if (entry.end) showEnd(entry);
  part("save").disabled = part("clear").disabled = false;
  return entry;
}

function post(text) {
  const message = show(conversation.add({ kind: "mine", id: newId(), text, at: Date.now() }));
  outbox.add(message);
  if (wire.monitor.isOpen) flush();
  else log.note(message.item, labels.waiting);
}

// --- Answers -------------------------------------------------------------------------------

function takePiece(message, { text, done }) {
  message.firstAt ||= performance.now();
  if (done && !message.draft) {
    show(conversation.add({ kind: "answer", text, at: Date.now(), end: "done" }));
  } else {
    message.draft ??= newDraft();
    if (message.draft.isInterrupted) start(message.draft);
    message.draft.add(text);
  }
  if (!done) return;
  tellTimes(message.sentAt, message.draft && message.firstAt);
  end(message, "done");
}

function newDraft() {
  const entry = show(conversation.add({ kind: "answer", text: "", at: Date.now() }));
  return new Draft(entry, (batch) => log.append(entry.item, batch, entry.text.length));
}

function start(draft) {
  const { entry } = draft;
  draft.isInterrupted = false;
  entry.text = entry.item.querySelector("p").textContent = "";
  log.hush(entry.item);
  log.note(entry.item, labels.writing);
  announce(labels.writing);
}

function interrupt(draft) {
  draft.flush();
  draft.isInterrupted = true;
  log.note(draft.entry.item, labels.incomplete);
}

function end(message, how, detail) {
  outbox.remove(message);
  message.end = how;
  message.detail = detail;
  showEnd(message);
  if (!message.draft) return;
  const { entry } = message.draft;
  message.draft.flush();
  message.draft = undefined;
  entry.end = how;
  showEnd(entry);
  log.unhush(entry.item);
  announce(`${labels.answer}: ${entry.text}`);
}

function showStop() {
  const { current } = outbox;
  offerStop(current?.draft ? -Infinity : current?.sentAt);
}

// Not waited for: what still comes of this answer is not wanted, and nor is it after a reconnect.
function stop() {
  const { current } = outbox;
  if (!current) return false;
  wire.send({ type: "stop", id: current.id });
  end(current, "stopped");
  flush();
  return true;
}

// --- The tools, and the beginning ----------------------------------------------------------

part("save").addEventListener("click", () => save(conversation.entries));
part("clear").addEventListener("click", () => {
  if (!mayClear()) return;
  for (const { id, sentAt } of outbox.messages.values()) if (sentAt) wire.send({ type: "stop", id });
  outbox.clear();
  conversation.clear();
  log.clear();
  part("save").disabled = part("clear").disabled = true;
  showStop();
  field.focus();
});

conversation.restore();
for (const entry of conversation.entries) {
  show(entry);
  if (!entry.end) outbox.add(entry);
}
if (window.top === window) focusField();
wire.connect();
