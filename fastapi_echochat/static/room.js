// The page of a chat with rooms. It speaks first: `enter`. What was said comes from the room, with
// positions; one's own messages come back, and that is how the page knows that they are kept.

const side = main.dataset.rooms === "private" ? talkInPrivate() : talkAmongPeople();
const history = new History(log, side.settle);
const outboxKey = `echochat outbox ${endpoint}`;
const longAfter = 1000;
// Messages whose answers are to end; it is said again after a reconnect.
const stopping = new Set();
// What the welcome announced, until all of it is here.
let arriving;
// Whether something may be missing between what is here and what comes.
let mayMiss = false;

const wire = new Wire(endpoint, {
  ask,

  open() { wire.send({ type: "enter", after: history.newest, ...side.enter() }); },

  state(state, why) {
    showState(state, why);
    if (state !== "waiting") return;
    outbox.rewind();
    slow(0);
    asked = undefined;
    for (const { item, timer } of history.loose) {
      clearTimeout(timer);
      log.note(item, labels.waiting);
    }
    showStop();
  },

  frame(frame) {
    takes[frame.type]?.(frame);
    flush();
  },
});

const takes = {
  ...side.takes,

  welcome({ limits, author, room }) {
    limit = limits.message_bytes ?? Infinity;
    // One less than the server takes before it stops reading: it is to read the pings as well.
    outbox.window = Math.max(1, limits.waiting_messages - 1);
    outbox.rewind();
    const isFirst = arriving?.isFirst ?? history.newest === null;
    arriving = { isFirst, from: arriving?.from, until: room.position, hasEarlier: room.has_earlier };
    mayMiss = !room.resumed && history.newest !== null;
    for (const id of stopping) wire.send({ type: "stop", id });
    side.welcome(author, room);
    if (room.position <= history.newest) arrived();
  },

  entry(frame) {
    take(frame);
    if (!arriving) return;
    arriving.from ??= frame.position;
    if (frame.position >= arriving.until) arrived();
  },

  draft({ in_reply_to: id, author, text, is_start }) {
    let entry = history.find("answer", id);
    if (entry?.position) return;
    if (!entry) {
      entry = show({ kind: "answer", id, author, text: "", at: Date.now() });
      entry.draft = new Draft(entry, (batch) => log.append(entry.item, batch, entry.text.length));
      entry.firstAt = performance.now();
      log.hush(entry.item);
      history.hold(entry);
      announce(labels.writing);
    }
    if (is_start) {
      entry.draft.flush();
      // All there is so far, which mostly begins with what is here.
      if (!text.startsWith(entry.text)) entry.text = entry.item.querySelector("p").textContent = "";
      entry.draft.add(text.slice(entry.text.length));
      log.note(entry.item, labels.writing);
    } else {
      entry.draft.add(text);
    }
  },

  history: takeEarlier,

  slowed({ seconds }) { slow(seconds); },

  error({ code, detail, in_reply_to: id }) {
    const message = outbox.messages.get(id);
    if (code === "bad_name") return side.refused();
    if (!message) return id || refuse(say("failed", { detail }));
    forget(message);
    // The room does not have it: it stays where it is.
    message.position = (history.newest ?? 0) + 0.5;
    history.place(message);
    finish(message, "failed", detail);
  },
};

// --- What was said -------------------------------------------------------------------------

const nameOf = ({ kind, author, isMine }) =>
  isMine ? labels.you : author ?? (kind === "answer" ? labels.answer : "");

function show(entry) {
  const { kind, text } = entry;
  entry.isMine ??= kind === "message" && side.isMine(entry);
  entry.item = log.make(kind !== "message" ? kind : entry.isMine ? "mine" : "theirs", nameOf(entry), text);
  side.dress(entry);
  part("save").disabled = part("clear").disabled = false;
  return entry;
}

// What the room has. Who scrolls up asks for what is old, and that is no news.
function take(frame, isOld = false) {
  const known = history.find(frame.kind, frame.id);
  history.newest = Math.max(history.newest, frame.position);
  if (known?.position) {
    mayMiss &&= isOld;
    return known;
  }
  known?.draft?.flush();
  const before = known?.text;
  const entry = Object.assign(known ?? {}, frame, { at: Date.parse(frame.sent_at) });
  if (!known && (frame.text || frame.kind !== "answer")) show(entry);
  if (isOld) entry.item?.setAttribute("aria-live", "off");
  if (frame.kind === "message") takeMessage(entry);
  if (frame.kind === "answer") takeAnswer(entry, before);
  if (!entry.item) {
    history.know(entry);
    return entry;
  }
  side.dress(entry);
  history.place(entry);
  if (isOld) return entry;
  if (mayMiss) sew(entry, arriving?.hasEarlier && entry.position);
  mayMiss = false;
  if (!arriving?.isFirst && !entry.isMine) side.news(entry);
  log.grew(!entry.isMine);
  const top = log.isFollowing && history.trim();
  if (top) sew(top, top.position);
  return entry;
}

function takeMessage(entry) {
  if (outbox.messages.has(entry.id)) {
    forget(entry);
    log.note(entry.item);
    entry.item.classList.remove("waiting");
  }
  const answer = history.find("answer", entry.id);
  if (answer?.position) finish(entry, answer.outcome);
}

function takeAnswer(entry, drafted) {
  const { id, item, text, outcome } = entry;
  const message = history.find("message", id);
  stopping.delete(id);
  entry.end = outcome;
  if (message) finish(message, outcome);
  if (text && message?.sentAt) tellTimes(message.sentAt, entry.firstAt);
  if (item && !text) {
    item.remove();
    entry.item = undefined;
  } else if (item) {
    if (entry.draft && text !== drafted) item.querySelector("p").textContent = text;
    showEnd(entry);
    log.unhush(item);
    if (entry.draft) announce(`${nameOf(entry)}: ${text}`);
  }
}

function finish(message, outcome, detail = labels.reply_failed) {
  message.end = outcome;
  message.detail = detail;
  if (outcome !== "done") showEnd(message, message.isMine);
}

function arrived() {
  const { isFirst, hasEarlier, from } = arriving;
  const [top] = history.entries;
  arriving = undefined;
  part("log").removeAttribute("aria-live");
  if (isFirst && hasEarlier && top) sew(top, from);
}

// --- What one says -------------------------------------------------------------------------

function flush() {
  if (wire.monitor.isOpen && side.maySpeak()) {
    for (const message of outbox.due()) {
      const { id, text, item } = message;
      log.note(item);
      wire.send({ type: "message", id, text });
      message.timer = setTimeout(() => log.note(item, labels.sending), longAfter);
    }
  }
  showStop();
}

// What is not known to be kept outlives a reload, and is sent again.
function keepOutbox() {
  const messages = [...outbox.messages.values()].map(({ id, text, at }) => ({ id, text, at }));
  remember("sessionStorage", outboxKey, messages);
}

function forget(message) {
  clearTimeout(message.timer);
  outbox.remove(message);
  keepOutbox();
}

function hold(message) {
  show(Object.assign(message, { kind: "message", author: side.author(), isMine: true }));
  message.item.classList.add("waiting");
  history.hold(message);
  outbox.add(message);
  log.grew();
}

function post(text) {
  const message = { id: newId(), text, at: Date.now() };
  hold(message);
  keepOutbox();
  side.posted(message);
  if (wire.monitor.isOpen) flush();
  else log.note(message.item, labels.waiting);
}

// --- What one wants no more of -------------------------------------------------------------

function current() {
  const isMine = ({ kind, id }) => kind === "answer" && history.find("message", id)?.isMine;
  const all = [...history.loose.filter(isMine), ...side.unanswered()];
  return wire.monitor.isOpen ? all.find(({ id }) => !stopping.has(id)) : undefined;
}

function showStop() {
  const entry = current();
  offerStop(entry?.draft ? -Infinity : entry && (entry.sentAt ?? -Infinity));
}

// Its answer says when it has ended.
function stop() {
  const entry = current();
  if (!entry) return false;
  stopping.add(entry.id);
  wire.send({ type: "stop", id: entry.id });
  showStop();
  return true;
}

// --- The tools, and the beginning ----------------------------------------------------------

function restart() {
  outbox.clear();
  keepOutbox();
  stopping.clear();
  history.reset();
  log.clear();
  arriving = undefined;
  part("save").disabled = part("clear").disabled = true;
  showStop();
  wire.restart();
}

part("save").addEventListener("click", () => save([...history.entries, ...history.loose]));

side.begin();
for (const message of recall("sessionStorage", outboxKey) ?? []) hold(message);
if (window.top === window) focusField();
wire.connect();
