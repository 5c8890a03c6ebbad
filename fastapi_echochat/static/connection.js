// A connection to the endpoint that comes back when it is lost.

import { endpoint } from "./address.js";
import { Monitor } from "./monitor.js";
import { explainFailure, showPace, showState } from "./status.js";

// Of a clock that nobody sets.
const now = () => performance.now();
// Shorter waits are over before one has read of them.
const worthAButton = 2000;

class Connection {
  // https://www.iana.org/assignments/websocket, "Close Code Number Registry".
  static tryAgain = 1013;
  // Data that is not UTF-8, or too much of it.
  static unreadable = [1007, 1009];

  why = "connecting";
  monitor = new Monitor();

  // Handlers: `frame(frame)`, `lose()`, and `open()` where the page speaks first.
  start(handlers) {
    this.handlers = handlers;
    setInterval(() => this.check(), 1000);
    const wake = () => document.hidden || this.wake();
    document.addEventListener("visibilitychange", wake);
    for (const event of ["online", "pageshow"]) addEventListener(event, wake);
    addEventListener("offline", () => this.isOpen && this.ping());
    this.connect();
  }

  get isOpen() { return this.monitor.isOpen; }

  enter(state, why, mayRetry = state === "stopped") {
    this.monitor.enter(state, now());
    this.isDoubted = false;
    showState(state, why, mayRetry);
    if (state !== "waiting") return;
    showPace(0);
    this.handlers.lose();
  }

  // While it fails again and again the reason stays on the screen.
  connect(word = this.monitor.isFailing ? this.why : "connecting") {
    clearTimeout(this.timer);
    this.enter("connecting", word);
    let socket;
    try {
      socket = new WebSocket(endpoint, "echochat.v1");
    } catch {
      // A policy of the host's forbids it, or the address is not valid.
      this.retryRefused(false);
      return;
    }
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      this.monitor.noteFrame(now());
      if (this.isDoubted) this.doubt(false);
      const frame = JSON.parse(data);
      if (frame.type === "welcome") this.enter("open", "connected");
      this.handlers.frame(frame);
    };
    socket.onopen = () => this.handlers.open?.();
    socket.onclose = ({ code }) => {
      const { isOpen } = this.monitor;
      if (Connection.unreadable.includes(code)) this.handlers.fail();
      const isAsked = code === Connection.tryAgain;
      if (isOpen && isAsked && !this.monitor.isBrief(now())) this.replace();
      else if (isOpen || isAsked) this.retry(code === 1012 ? "restarting" : "lost");
      else this.retryRefused(true);
    };
  }

  // A client that could not keep up gets the rest at once.
  replace() {
    this.enter("waiting", "connected");
    this.connect("connected");
  }

  send(frame) { this.socket.send(JSON.stringify(frame)); }

  retry(why) {
    const { delay } = this.monitor;
    this.enter("waiting", (this.why = why), delay > worthAButton);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), delay);
  }

  // Something waits to be sent: not for the next attempt's turn.
  hurry() {
    if (this.monitor.state === "waiting" && !this.monitor.isBrief(now())) this.connect();
  }

  stop(why) {
    this.enter("stopped", why);
    this.timer = setTimeout(() => this.connect(why), this.monitor.delayAfterStop);
  }

  // A browser cannot tell a refused handshake from a dead network; the page's own address can.
  async retryRefused(mayAsk) {
    this.monitor.enter("waiting", now());
    const why = mayAsk ? await explainFailure() : "refused";
    if (this.monitor.state !== "waiting") return;
    if (why !== "unreachable" && why !== "signed_out") this.monitor.refusals += 1;
    const { isRefused } = this.monitor;
    const isFinal = why === "signed_out" || (why.startsWith("not_allowed") && isRefused);
    if (isFinal) this.stop(why);
    else this.retry(why === "unreachable" || isRefused ? why : "lost");
  }

  dropSocket() {
    this.socket.onopen = this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
  }

  // Another connection in the place of this one.
  restart() {
    if (this.monitor.mayConnect) return;
    this.dropSocket();
    this.replace();
  }

  ping() {
    if (this.monitor.pingedAt) return;
    this.monitor.notePing(now());
    this.send({ type: "ping" });
  }

  doubt(isDoubted) {
    this.isDoubted = isDoubted;
    showState("open", isDoubted ? "unreachable" : "connected");
  }

  check() {
    const { monitor } = this;
    const time = now();
    const isDoubtful = monitor.isDoubtful(time);
    // That the browser is offline is believed after a ping: it knows of one network only.
    const isDead = monitor.isHalfOpen(time) || (isDoubtful && !navigator.onLine);
    if (isDead || monitor.isHanging(time)) {
      this.dropSocket();
      this.retry("unreachable");
    } else if (isDoubtful) {
      if (!this.isDoubted) this.doubt(true);
    } else if (monitor.isPingDue(time, !document.hidden)) {
      this.ping();
    }
  }

  wake() {
    if (this.monitor.mayConnect) this.connect();
    else if (this.isOpen) this.ping();
  }
}

export const connection = new Connection();
