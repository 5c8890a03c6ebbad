// What every page of a chat has: its parts, its words, the field one writes in, and the tools.
// What follows in the same script, `chat.js` or `room.js`, has the `wire`, and says how one does
// `post(text)` and `stop()`.

const main = document.getElementById("echochat");
// A part that a host's template leaves out is stood in for: what it would show goes nowhere.
const part = (name) => parts[name] ??=
  document.getElementById(`echochat-${name}`) ?? document.createElement("button");
const parts = {};
const { lang } = document.documentElement;
const { title } = document;
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

// What a screen reader says and nobody sees; more than this is read where it stands.
const announce = (text) => { part("spoken").textContent = text.slice(0, 5000); };

// Not crypto.randomUUID: it is missing where the page came over plain HTTP.
const newId = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

// --- The connection ------------------------------------------------------------------------

function showState(state, why) {
  main.dataset.state = state;
  const text = say(why, where);
  if (part("state").textContent !== text) part("state").textContent = text;
  part("retry").hidden = state !== "stopped";
}

// Why a handshake failed.
async function ask() {
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
}

function slow(seconds) {
  clearTimeout(slow.timer);
  part("pace").textContent = seconds ? say("slowed", { seconds: Math.ceil(seconds) }) : "";
  if (seconds) slow.timer = setTimeout(() => slow(0), seconds * 1000);
}

// --- Writing, and stopping what answers it -------------------------------------------------

function refuse(text) {
  part("refusal").textContent = text;
  field.setAttribute("aria-invalid", String(Boolean(text)));
}

function submit(text) {
  const size = new TextEncoder().encode(text).length;
  if (size > limit) {
    refuse(say("too_long", { size, limit }));
    return false;
  }
  last = text;
  post(text);
  return true;
}

function send() {
  if (!field.value.trim() || !submit(field.value)) return;
  field.value = "";
  fit();
}

function fit() {
  refuse("");
  field.rows = Math.min(6, field.value.split("\n").length);
}

const focusField = () => field.focus({ preventScroll: true });

// What is answered at once needs no button that comes and goes.
const stopAfter = 400;

function offerStop(since = Infinity) {
  const rest = since + stopAfter - performance.now();
  const isShown = rest <= 0;
  const button = part("stop");
  if (!isShown && document.activeElement === button) field.focus();
  if (button.hidden === isShown) button.hidden = !isShown;
  clearTimeout(offerStop.timer);
  if (0 < rest && rest < Infinity) offerStop.timer = setTimeout(() => offerStop(since), rest);
}

// No form: a sandboxed frame may forbid them.
field.addEventListener("input", fit);
field.addEventListener("keydown", (event) => {
  // Of an input method; Safari says so of the Enter that ends it only by this old number.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && !field.value && last) {
    event.preventDefault();
    field.value = last;
    fit();
  } else if (event.key === "Escape" && stop()) {
    // A widget around this page closes at a key that has no use in it.
    event.preventDefault();
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

// --- What one does with what was said ------------------------------------------------------

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

// How an entry ended: `done`, `stopped`, `failed`; one that is under way has no `end`.
const noteOf = ({ kind, end, detail }) =>
  !end || end === "done" ? ""
    : kind === "answer" ? labels.incomplete
    : end === "stopped" ? labels.stopped : say("failed", { detail });

// What can be done with an answer, and with a message that has none.
function showEnd(entry, isMine = true) {
  const { item, kind, end, text } = entry;
  item.classList.toggle("failed", end === "failed" && kind !== "answer");
  log.note(item, noteOf(entry));
  if (kind === "answer") {
    const select = () => getSelection().selectAllChildren(item.querySelector("p"));
    const press = (button) => copy(button, text, select);
    if (text) log.tabStop(log.addButton(item, "copy", labels.copy_answer, press));
  } else if (end !== "done" && isMine) {
    log.addButton(item, "again", labels.send_again, () => {
      submit(text);
      field.focus();
    });
  }
}

// How long an answer took, whole, and where it came in pieces to the first of them.
function tellTimes(sentAt, firstAt) {
  const since = (at) => Math.max(1, Math.round(at - sentAt));
  const times = { first: since(firstAt), ms: since(performance.now()) };
  part("round-trip").textContent = say(firstAt ? "round_trip_pieces" : "round_trip", times);
}

// Sweden writes times as ISO 8601 does, but in the person's own time zone.
function toText(entries) {
  const lines = entries.map((entry) => {
    const time = new Date(entry.at).toLocaleString("sv");
    const end = noteOf(entry);
    return `${nameOf(entry)} [${time}]\n${entry.text}\n${end ? `(${end})\n` : ""}`;
  });
  return lines.join("\n");
}

function save(entries) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([toText(entries)]));
  link.download = `${title}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Asks once, and tells whether it was asked before.
function mayClear() {
  const button = part("clear");
  const isAsked = button.textContent !== labels.clear_all;
  if (isAsked) {
    relabel(button, labels.clear_all, 0, labels.clear_all);
    announce(labels.cleared);
  } else {
    announce(labels.clear_really);
    relabel(button, labels.clear_really, 5000, labels.clear_all);
  }
  return isAsked;
}

part("address").value = endpoint;
part("copy").addEventListener("click", () => {
  copy(part("copy"), endpoint, () => part("address").select());
});
part("log").setAttribute("aria-live", "off");
