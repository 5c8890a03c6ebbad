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
      const isFinal = why === "signed_out" || (why === "not_allowed" && this.monitor.isRefused);
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

    // The browser is online again, or somebody looks at the page again.
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

    take(id) {
      const message = this.messages.get(id);
      if (message) {
        this.messages.delete(id);
        if (message.sentAt) this.underWay -= 1;
      }
      return message;
    }

    // What was under way when a connection was lost is sent again, under the same id.
    rewind() {
      for (const message of this.messages.values()) message.sentAt = 0;
      this.underWay = 0;
    }

    // In order, and no more than the server lets wait.
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

  // --- The list of messages ----------------------------------------------------------------

  class Log {
    constructor(box, newest) {
      this.box = box;
      this.list = box.firstElementChild;
      this.newest = newest;
      this.isFollowing = true;
      box.addEventListener("scroll", () => {
        if (this.isMoving) return;
        this.isFollowing = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
        if (this.isFollowing) newest.hidden = true;
      });
      newest.addEventListener("click", () => {
        this.isFollowing = true;
        newest.hidden = true;
        this.follow();
        box.focus();
      });
      new ResizeObserver(() => this.isFollowing && this.follow()).observe(box);
    }

    add(kind, who, text) {
      const item = document.createElement("li");
      const name = document.createElement("b");
      const body = document.createElement("p");
      item.className = kind;
      name.textContent = who;
      body.dir = "auto";
      body.textContent = text;
      item.append(name, body);
      this.list.append(item);
      if (this.isFollowing) this.follow();
      else this.newest.hidden = false;
      return item;
    }

    note(item, text) {
      let note = item.querySelector("small");
      if (!text) return note?.remove();
      if (!note) item.append((note = document.createElement("small")));
      note.textContent = text;
    }

    // Once a frame at most; twice running, as items take their real height when they come in view.
    follow() {
      if (this.isMoving) return;
      this.isMoving = true;
      const end = () => { this.box.scrollTop = this.box.scrollHeight; };
      requestAnimationFrame(() => {
        end();
        requestAnimationFrame(() => {
          end();
          this.isMoving = false;
        });
      });
    }
  }

  // --- The page ----------------------------------------------------------------------------

  const main = document.getElementById("echochat");
  const part = (name) => document.getElementById(`echochat-${name}`);
  const labels = JSON.parse(main.dataset.labels);
  const say = (label, values = {}) =>
    labels[label].replace(/\{(\w+)\}/g, (braces, name) => values[name] ?? braces);

  const { endpoint: rendered, elsewhere } = main.dataset;
  const endpoint = endpointFor(location, rendered, elsewhere !== undefined);
  const field = part("field");
  const log = new Log(part("log"), part("newest"));
  const outbox = new Outbox();
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
        for (const { item } of outbox.messages.values()) log.note(item, labels.waiting);
      }
    },

    frame(frame) {
      if (frame.type === "welcome") {
        limit = frame.limits.message_bytes ?? Infinity;
        outbox.window = frame.limits.waiting_messages;
        outbox.rewind();
      } else if (frame.type === "reply") {
        const message = outbox.take(frame.in_reply_to);
        if (!message) return;
        log.note(message.item);
        log.add("answer", labels.answer, frame.text);
        const ms = Math.max(1, Math.round(performance.now() - message.sentAt));
        part("round-trip").textContent = say("round_trip", { ms });
      } else if (frame.type === "error") {
        const message = outbox.take(frame.in_reply_to);
        const text = say("failed", { detail: frame.detail });
        if (!message) return void (part("refusal").textContent = text);
        message.item.classList.add("failed");
        log.note(message.item, text);
      }
      flush();
    },

    async ask() {
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
    if (!wire.monitor.isOpen) return;
    for (const { id, text, item } of outbox.due()) {
      log.note(item);
      wire.send({ type: "message", id, text });
    }
  }

  // Not crypto.randomUUID: it is missing where the page came over plain HTTP.
  const newId = () =>
    Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

  function refuse(text) {
    part("refusal").textContent = text;
    field.setAttribute("aria-invalid", String(Boolean(text)));
  }

  function send() {
    const text = field.value;
    if (!text.trim()) return;
    const size = new TextEncoder().encode(text).length;
    if (size > limit) return refuse(say("too_long", { size, limit }));
    last = text;
    field.value = "";
    fit();
    const item = log.add("mine", labels.you, text);
    outbox.add({ id: newId(), text, item, sentAt: 0 });
    if (wire.monitor.isOpen) flush();
    else log.note(item, labels.waiting);
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
    }
  });
  part("send").addEventListener("click", () => {
    send();
    field.focus();
  });
  part("retry").addEventListener("click", () => wire.connect());

  part("address").value = endpoint;
  part("copy").addEventListener("click", async () => {
    part("address").select();
    // The old way first: the new one is missing over plain HTTP, and in a frame it complains.
    if (!document.execCommand("copy")) await navigator.clipboard?.writeText(endpoint);
    part("copy").textContent = labels.copied;
    setTimeout(() => { part("copy").textContent = labels.copy_address; }, 2000);
  });

  if (window.top === window) field.focus();
  wire.connect();
})();
