// The page of a chat. A classic script: a module is refused in a sandboxed frame.
(() => {
  "use strict";

  // --- Where the endpoint is ---------------------------------------------------------------

  // The server says where the endpoint is as far as it can see. What a proxy hid from it (scheme,
  // host, port, a prefix) shows in the page's own address, and the endpoint is beside the page.
  function endpointFor(page, rendered, elsewhere) {
    if (elsewhere || !/^https?:$/.test(page.protocol)) return rendered;
    const url = new URL(rendered);
    url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
    url.host = page.hostname;
    url.port = page.port;
    url.pathname = page.pathname.replace(/\/?$/, url.pathname.slice(url.pathname.lastIndexOf("/")));
    return url.href;
  }

  // --- When to connect, and when to doubt a connection -------------------------------------

  // Knows times and counts, no socket. Times are milliseconds.
  class Monitor {
    static first = 500;
    static longest = 30_000;
    static connectWithin = 15_000;
    static pingAfter = 25_000;
    static pongWithin = 10_000;

    state = "waiting";
    attempts = 0;
    refusals = 0;
    since = 0;
    heardAt = 0;
    pingedAt = 0;

    connecting(now) { this.enter("connecting", now); this.attempts += 1; }
    open(now) { this.enter("open", now); this.attempts = this.refusals = this.pingedAt = 0; this.heard(now); }
    waiting(now) { this.enter("waiting", now); }
    stopped(now) { this.enter("stopped", now); }
    enter(state, now) { this.state = state; this.since = now; }
    heard(now) { this.heardAt = now; this.pingedAt = 0; }
    pinged(now) { this.pingedAt ||= now; }

    get isOpen() { return this.state === "open"; }
    get mayConnect() { return this.state === "waiting" || this.state === "stopped"; }
    // A server that is up and refuses twice running means it; once may be one that just started.
    get isRefused() { return this.refusals >= 2; }
    isHanging(now) { return this.state === "connecting" && now - this.since > Monitor.connectWithin; }
    isPingDue(now) { return this.isOpen && !this.pingedAt && now - this.heardAt > Monitor.pingAfter; }
    isHalfOpen(now) { return this.isOpen && this.pingedAt && now - this.pingedAt > Monitor.pongWithin; }

    // Exponential backoff, with jitter so that a thousand pages do not come back at once.
    get delay() {
      const full = Math.min(Monitor.longest, Monitor.first * 2 ** Math.min(this.attempts, 10));
      return full * (0.5 + Math.random() / 2);
    }
  }

  // --- The socket --------------------------------------------------------------------------

  class Wire {
    constructor(url, on) {
      this.url = url;
      this.on = on;
      this.monitor = new Monitor();
      setInterval(() => this.look(), 1000);
      const wake = () => document.hidden || this.wake();
      document.addEventListener("visibilitychange", wake);
      for (const event of ["online", "pageshow"]) addEventListener(event, wake);
    }

    connect() {
      clearTimeout(this.timer);
      this.monitor.connecting(Date.now());
      this.on.state("connecting");
      let socket;
      try {
        socket = new WebSocket(this.url, "echochat.v1");
      } catch {
        // A policy of the host's, or an address that is none.
        return this.refused(false);
      }
      this.socket = socket;
      socket.onmessage = ({ data }) => {
        this.monitor.heard(Date.now());
        const frame = JSON.parse(data);
        if (frame.type === "welcome") {
          this.monitor.open(Date.now());
          this.on.state("open", "connected");
        }
        this.on.frame(frame);
      };
      socket.onclose = ({ code }) => {
        if (this.monitor.isOpen) this.retry(code === 1012 ? "restarting" : "lost");
        else this.refused(true);
      };
    }

    send(frame) { this.socket.send(JSON.stringify(frame)); }

    retry(why) {
      const { delay } = this.monitor;
      this.monitor.waiting(Date.now());
      this.on.state("waiting", why);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.connect(), delay);
    }

    // A browser does not tell a refused handshake from a dead network; the page's own address does.
    async refused(mayAsk) {
      this.monitor.waiting(Date.now());
      const why = mayAsk ? await this.on.ask() : "refused";
      if (this.monitor.state !== "waiting") return;
      if (why !== "unreachable" && why !== "signed_out") this.monitor.refusals += 1;
      const isFinal = why === "signed_out" || (why.startsWith("not_allowed") && this.monitor.isRefused);
      if (!isFinal) return this.retry(why === "unreachable" || this.monitor.isRefused ? why : "lost");
      this.monitor.stopped(Date.now());
      this.on.state("stopped", why);
    }

    abandon(why) {
      this.socket.onclose = this.socket.onmessage = null;
      this.socket.close();
      this.retry(why);
    }

    ping() {
      this.monitor.pinged(Date.now());
      this.send({ type: "ping" });
    }

    look() {
      const now = Date.now();
      if (this.monitor.isHalfOpen(now) || this.monitor.isHanging(now)) this.abandon("unreachable");
      else if (this.monitor.isPingDue(now)) this.ping();
    }

    wake() {
      if (this.monitor.mayConnect) this.connect();
      else if (this.monitor.isOpen) this.ping();
    }
  }

  // --- What has no answer yet --------------------------------------------------------------

  class Outbox {
    constructor() {
      this.messages = new Map();
      this.window = 1;
      this.underWay = 0;
    }

    add(message) { this.messages.set(message.id, message); }

    remove(message) {
      if (this.messages.delete(message.id) && message.sentAt) this.underWay -= 1;
    }

    get current() {
      const [first] = this.messages.values();
      return first?.sentAt ? first : undefined;
    }

    clear() {
      this.messages.clear();
      this.underWay = 0;
    }

    // What was under way when a connection was lost is sent again, under the same id.
    rewind() {
      for (const message of this.messages.values()) message.sentAt = message.firstAt = 0;
      this.underWay = 0;
    }

    *due() {
      if (this.underWay >= this.window) return;
      for (const message of this.messages.values()) {
        if (message.sentAt) continue;
        message.sentAt = performance.now();
        this.underWay += 1;
        yield message;
        if (this.underWay >= this.window) return;
      }
    }
  }

  // --- What was said -----------------------------------------------------------------------

  // Outlives a reload of the tab. An entry is a message, `mine`, or an `answer`; without an `end` it
  // is under way: a message is then sent again after the reload, and its answer starts anew.
  class Conversation {
    static kept = ["kind", "id", "text", "at", "end", "detail"];
    static mostEntries = 200;
    static mostCharacters = 200_000;

    entries = [];

    constructor(key) {
      this.key = `${key} 1`;
      const keep = () => this.keep();
      addEventListener("pagehide", keep);
      // Of a tab that a phone throws away in the background this is the last that is heard.
      document.addEventListener("visibilitychange", keep);
    }

    add(entry) {
      this.entries.push(entry);
      return entry;
    }

    // A frame in a sandbox is refused all storage, by an exception.
    restore() {
      try {
        for (const entry of JSON.parse(sessionStorage.getItem(this.key)) ?? []) this.add(entry);
      } catch { /* Nothing was kept, then. */ }
    }

    keep() {
      let entries = 0;
      let characters = 0;
      const isKept = ({ kind, text, end }) => {
        if (!end) return kind === "mine";
        entries += 1;
        characters += text.length;
        return entries <= Conversation.mostEntries && characters <= Conversation.mostCharacters;
      };
      const kept = this.entries.slice().reverse().filter(isKept).reverse();
      try {
        if (kept.length) sessionStorage.setItem(this.key, JSON.stringify(kept, Conversation.kept));
        else sessionStorage.removeItem(this.key);
      } catch { /* Refused, or full. */ }
    }

    clear() {
      this.entries = [];
      this.keep();
    }

    // Sweden writes times as ISO 8601 does, but in the person's own time zone.
    toText(names, note) {
      const time = (at) => new Date(at).toLocaleString("sv");
      const lines = this.entries.map((entry) => {
        const end = note(entry);
        return `${names[entry.kind]} [${time(entry.at)}]\n${entry.text}\n${end ? `(${end})\n` : ""}`;
      });
      return lines.join("\n");
    }
  }

  // --- The list of messages ----------------------------------------------------------------

  class Log {
    static long = 2000;
    // Lists of a hundred: what is new lays out the last of them, and not ten thousand messages.
    static listLength = 100;
    static pause = 250;

    constructor(box, newest) {
      this.box = box;
      this.newest = newest;
      this.isFollowing = true;
      this.top = this.movedAt = 0;
      box.addEventListener("scroll", () => {
        const { scrollTop, scrollHeight, clientHeight } = box;
        const isUp = scrollTop < this.top;
        const isAtEnd = scrollHeight - scrollTop - clientHeight < 48;
        const isSameSize = scrollHeight === this.height && clientHeight === this.room;
        [this.top, this.height, this.room] = [scrollTop, scrollHeight, clientHeight];
        // One turn of a wheel is many small steps, the first of them near the end. Where sizes
        // changed and nobody touched anything, the end has gone away by itself.
        if (isAtEnd && !isUp) this.isFollowing = newest.hidden = true;
        else if (!isAtEnd && isUp && (isSameSize || this.isByReader)) this.isFollowing = false;
      });
      for (const event of ["wheel", "touchmove", "pointerdown", "keydown"]) {
        box.addEventListener(event, () => { this.movedAt = performance.now(); }, { passive: true });
      }
      newest.addEventListener("click", () => {
        this.isFollowing = newest.hidden = true;
        this.movedAt = 0;
        this.follow();
        box.focus({ preventScroll: true });
      });
      box.addEventListener("keydown", (event) => this.goToNextCopy(event));
      this.sizes = new ResizeObserver(() => this.isFollowing && this.follow());
      this.sizes.observe(box);
    }

    get isByReader() { return performance.now() - this.movedAt < Log.pause; }

    get list() {
      let list = this.box.lastElementChild;
      if (!list || list.childElementCount >= Log.listLength) {
        list = document.createElement("ol");
        this.box.append(list);
        this.sizes.observe(list);
      }
      return list;
    }

    add(kind, who, text) {
      const item = document.createElement("li");
      const name = document.createElement("b");
      const body = document.createElement("p");
      item.className = kind;
      name.textContent = who;
      body.dir = "auto";
      item.append(name, body);
      this.append(item, text);
      this.list.append(item);
      return item;
    }

    // Text nodes side by side: what is there already is not copied for each piece.
    append(item, text, length = text.length) {
      item.querySelector("p").append(text);
      if (length > Log.long) item.classList.add("long");
      this.grew();
    }

    // What is being written would be read out piece by piece, each time from its beginning.
    hush(item) {
      item.setAttribute("aria-busy", "true");
      item.setAttribute("aria-live", "off");
    }

    unhush(item) {
      item.removeAttribute("aria-busy");
      item.removeAttribute("aria-live");
    }

    note(item, text) {
      let note = item.querySelector("small");
      if (!text) return note?.remove();
      if (!note) item.querySelector("p").after((note = document.createElement("small")));
      note.textContent = text;
      this.grew(false);
    }

    addButton(item, kind, text, press) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = kind;
      button.textContent = text;
      button.addEventListener("click", () => press(button));
      item.append(button);
      this.grew(false);
      return button;
    }

    // A hundred answers are one stop of the Tab key, from which the arrows lead to the others.
    tabStop(button) {
      if (this.stop) this.stop.tabIndex = -1;
      this.stop = button;
      button.tabIndex = 0;
    }

    goToNextCopy(event) {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step || event.target.className !== "copy") return;
      event.preventDefault();
      const all = [...this.box.querySelectorAll(".copy")];
      const next = all[all.indexOf(event.target) + step];
      if (!next) return;
      this.tabStop(next);
      next.focus();
    }

    clear() {
      this.box.replaceChildren();
      this.newest.hidden = this.isFollowing = true;
      this.stop = undefined;
    }

    grew(isNews = true) {
      if (this.isFollowing) this.follow();
      else if (isNews) this.newest.hidden = false;
    }

    // Once a frame at most; twice running, as items take their real height when they come in view.
    follow() {
      if (this.isMoving) return;
      this.isMoving = true;
      requestAnimationFrame(() => {
        this.goToEnd();
        requestAnimationFrame(() => {
          this.goToEnd();
          this.isMoving = false;
        });
      });
    }

    goToEnd() {
      if (!this.isFollowing) return;
      if (this.isByReader) {
        // A move of the reader's own begins at the end: it is let get away from there.
        clearTimeout(this.later);
        this.later = setTimeout(() => this.follow(), Log.pause);
        return;
      }
      this.box.scrollTop = this.box.scrollHeight;
      [this.top, this.height] = [this.box.scrollTop, this.box.scrollHeight];
    }
  }

  // --- An answer while it is written -------------------------------------------------------

  // Pieces are shown in batches: the longer the text, the dearer its layout and the rarer they are.
  class Draft {
    static charactersPerMillisecond = 500;
    static frame = 16;

    constructor(entry, show) {
      this.entry = entry;
      this.show = show;
      this.batch = "";
      this.isInterrupted = true;
    }

    add(piece) {
      this.batch += piece;
      const rest = this.entry.text.length / Draft.charactersPerMillisecond;
      this.timer ??= setTimeout(() => this.flush(), Math.max(Draft.frame, rest));
    }

    flush() {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.entry.text += this.batch;
      if (this.batch) this.show(this.batch);
      this.batch = "";
    }
  }

  // --- The page ----------------------------------------------------------------------------

  const main = document.getElementById("echochat");
  // A part that a host's template leaves out is stood in for: what it would show goes nowhere.
  const part = (name) => parts[name] ??=
    document.getElementById(`echochat-${name}`) ?? document.createElement("button");
  const parts = {};
  const labels = JSON.parse(main.dataset.labels);
  const say = (label, values = {}) =>
    labels[label].replace(/\{(\w+)\}/g, (braces, name) => values[name] ?? braces);
  const names = { mine: labels.you, answer: labels.answer };

  const { endpoint: rendered, elsewhere } = main.dataset;
  const endpoint = endpointFor(location, rendered, elsewhere !== undefined);
  const field = part("field");
  const log = new Log(part("log"), part("newest"));
  const outbox = new Outbox();
  const conversation = new Conversation(`echochat ${endpoint}`);
  let limit = Number(main.dataset.messageBytes) || Infinity;
  let last = "";

  const where = {
    page: location.host,
    server: new URL(rendered).host,
    origin: JSON.stringify(location.origin),
  };

  const wire = new Wire(endpoint, {
    state(state, why = state) {
      main.dataset.state = state;
      const text = say(why, where);
      if (part("state").textContent !== text) part("state").textContent = text;
      part("retry").hidden = state !== "stopped";
      if (state === "waiting") {
        outbox.rewind();
        slow(0);
        for (const { item, draft } of outbox.messages.values()) {
          log.note(item, labels.waiting);
          if (draft) interrupt(draft);
        }
        showStop();
      }
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

    async ask() {
      // A sandboxed frame may not even ask.
      if (self.origin === "null") return "not_allowed_null";
      const own = location.href.replace(/#.*/, "");
      try {
        const response = await fetch(own, { method: "HEAD", redirect: "manual", cache: "no-store" });
        const { status, type } = response;
        if (type === "opaqueredirect" || status === 401 || status === 403) return "signed_out";
        if (status >= 500) return "unreachable";
      } catch {
        return "unreachable";
      }
      const isHidden = new URL(rendered).hostname !== location.hostname;
      return isHidden && elsewhere === undefined ? "not_allowed" : "refused";
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

  // What a screen reader says and nobody sees; more than this is read where it stands.
  const announce = (text) => { part("spoken").textContent = text.slice(0, 5000); };

  function show(entry) {
    entry.item = log.add(entry.kind, names[entry.kind], entry.text);
    if (entry.end) showEnd(entry);
    part("save").disabled = part("clear").disabled = false;
    return entry;
  }

  const noteOf = ({ kind, end, detail }) =>
    !end || end === "done" ? ""
      : kind === "answer" ? labels.incomplete
      : end === "stopped" ? labels.stopped : say("failed", { detail });

  function showEnd(entry) {
    const { item, kind, end, text } = entry;
    item.classList.toggle("failed", end === "failed" && kind === "mine");
    log.note(item, noteOf(entry));
    if (kind === "answer") {
      const select = () => getSelection().selectAllChildren(item.querySelector("p"));
      const press = (button) => copy(button, text, select);
      if (text) log.tabStop(log.addButton(item, "copy", labels.copy_answer, press));
    } else if (end !== "done") {
      log.addButton(item, "again", labels.send_again, () => {
        post(text);
        field.focus();
      });
    }
  }

  // --- Answers

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
    const since = (at) => Math.max(1, Math.round(at - message.sentAt));
    const times = { first: since(message.firstAt), ms: since(performance.now()) };
    part("round-trip").textContent = say(message.draft ? "round_trip_pieces" : "round_trip", times);
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

  const stopAfter = 400;

  function showStop() {
    const { current } = outbox;
    const rest = current && !current.draft ? stopAfter - (performance.now() - current.sentAt) : 0;
    const isShown = Boolean(current) && rest <= 0;
    const button = part("stop");
    if (!isShown && document.activeElement === button) field.focus();
    if (button.hidden === isShown) button.hidden = !isShown;
    clearTimeout(showStop.timer);
    if (rest > 0) showStop.timer = setTimeout(showStop, rest);
  }

  // Not waited for: what still comes of this answer is not wanted, and nor is it after a reconnect.
  function stop() {
    const { current } = outbox;
    if (!current) return;
    wire.send({ type: "stop", id: current.id });
    end(current, "stopped");
    flush();
  }

  function slow(seconds) {
    clearTimeout(slow.timer);
    part("pace").textContent = seconds ? say("slowed", { seconds: Math.ceil(seconds) }) : "";
    if (seconds) slow.timer = setTimeout(() => slow(0), seconds * 1000);
  }

  // --- Messages

  // Not crypto.randomUUID: it is missing where the page came over plain HTTP.
  const newId = () =>
    Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

  function refuse(text) {
    part("refusal").textContent = text;
    field.setAttribute("aria-invalid", String(Boolean(text)));
  }

  function post(text) {
    const size = new TextEncoder().encode(text).length;
    if (size > limit) {
      refuse(say("too_long", { size, limit }));
      return false;
    }
    last = text;
    const message = show(conversation.add({ kind: "mine", id: newId(), text, at: Date.now() }));
    outbox.add(message);
    if (wire.monitor.isOpen) flush();
    else log.note(message.item, labels.waiting);
    return true;
  }

  function send() {
    if (!field.value.trim() || !post(field.value)) return;
    field.value = "";
    fit();
  }

  function fit() {
    refuse("");
    field.rows = Math.min(6, field.value.split("\n").length);
  }

  // No form: a sandboxed frame may forbid them.
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !field.value && last) {
      event.preventDefault();
      field.value = last;
      fit();
    } else if (event.key === "Escape" && outbox.current) {
      // A widget around this page closes at a key that has no use in it.
      event.preventDefault();
      stop();
    }
  });
  part("send").addEventListener("click", () => {
    send();
    field.focus();
  });
  part("stop").addEventListener("click", () => {
    stop();
    field.focus();
  });
  part("retry").addEventListener("click", () => {
    // The button goes; whoever pressed it is not left nowhere.
    field.focus();
    wire.connect();
  });

  // --- What one does with a conversation

  function relabel(button, text, milliseconds, usual) {
    button.textContent = text;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { button.textContent = usual; }, milliseconds);
  }

  async function copy(button, text, select) {
    const usual = button.dataset.usual ??= button.textContent;
    const asText = (event) => {
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
    };
    document.addEventListener("copy", asText);
    select();
    // The old way first: the new one is missing over plain HTTP, and in a frame it complains.
    const isCopied = document.execCommand("copy");
    document.removeEventListener("copy", asText);
    if (!isCopied) await navigator.clipboard?.writeText(text);
    relabel(button, labels.copied, 2000, usual);
  }

  function clear() {
    const button = part("clear");
    if (button.textContent === labels.clear_all) {
      announce(labels.clear_really);
      return relabel(button, labels.clear_really, 5000, labels.clear_all);
    }
    relabel(button, labels.clear_all, 0, labels.clear_all);
    for (const { id, sentAt } of outbox.messages.values()) if (sentAt) wire.send({ type: "stop", id });
    outbox.clear();
    conversation.clear();
    log.clear();
    part("save").disabled = button.disabled = true;
    announce(labels.cleared);
    showStop();
    field.focus();
  }

  part("address").value = endpoint;
  part("copy").addEventListener("click", () => {
    copy(part("copy"), endpoint, () => part("address").select());
  });
  part("clear").addEventListener("click", clear);
  part("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([conversation.toText(names, noteOf)]));
    link.download = `${document.title}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });

  part("log").setAttribute("aria-live", "off");
  conversation.restore();
  for (const entry of conversation.entries) {
    show(entry);
    if (!entry.end) outbox.add(entry);
  }
  if (window.top === window) field.focus();
  wire.connect();
})();
