// Where the endpoint is, when to connect to it, and when to doubt a connection.

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
  // A connection that was barely there is not come back to at once.
  isBrief(now) { return now - this.since < Monitor.first; }
  get isFailing() { return this.state === "waiting" && this.attempts > 0; }
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

class Wire {
  // https://www.iana.org/assignments/websocket, "Close Code Number Registry".
  static tryAgain = 1013;

  why = "connecting";

  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.monitor = new Monitor();
    setInterval(() => this.look(), 1000);
    const wake = () => document.hidden || this.wake();
    document.addEventListener("visibilitychange", wake);
    for (const event of ["online", "pageshow"]) addEventListener(event, wake);
  }

  // While it fails again and again the reason stays to be read.
  connect(word = this.monitor.isFailing ? this.why : "connecting") {
    clearTimeout(this.timer);
    this.monitor.connecting(Date.now());
    this.on.state("connecting", word);
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
    socket.onopen = () => this.on.open?.();
    socket.onclose = ({ code }) => {
      const { isOpen } = this.monitor;
      const isAsked = code === Wire.tryAgain;
      if (isOpen && isAsked && !this.monitor.isBrief(Date.now())) this.comeBack();
      else if (isOpen || isAsked) this.retry(code === 1012 ? "restarting" : "lost");
      else this.refused(true);
    };
  }

  // Whoever could not keep up gets the rest at once.
  comeBack() {
    this.monitor.waiting(Date.now());
    this.on.state("waiting", "connected");
    this.connect("connected");
  }

  send(frame) { this.socket.send(JSON.stringify(frame)); }

  retry(why) {
    const { delay } = this.monitor;
    this.monitor.waiting(Date.now());
    this.on.state("waiting", (this.why = why));
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

  drop() {
    this.socket.onopen = this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
  }

  abandon(why) {
    this.drop();
    this.retry(why);
  }

  // Another connection in the place of this one.
  restart() {
    if (this.monitor.mayConnect) return;
    this.drop();
    this.comeBack();
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
