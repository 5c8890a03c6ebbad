// The field one writes in, and the button that stops the answer to it.

import { main, part, say } from "./parts.js";
import { keyFor, recall, remember } from "./storage.js";
import { repairText } from "./words.js";

// What is answered at once needs no button that comes and goes.
const offerStopAfter = 400;
export const field = part("field");
const unsentKey = keyFor("unsent", location);
// A phone's keyboard has no Shift+Enter.
const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;
const growsByItself = CSS.supports("field-sizing", "content");
let limit = Number(main.dataset.messageBytes) || Infinity;
let last = "";
let stopTimer;
let actions;

export const setLimit = (bytes) => { limit = bytes ?? Infinity; };

export const focusField = () => field.focus({ preventScroll: true });

// Not crypto.randomUUID: it is missing where the page came over plain HTTP.
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

export function refuseText(why) {
  part("refusal").textContent = why;
  field.setAttribute("aria-invalid", String(Boolean(why)));
}

export function submitText(typed) {
  const text = repairText(typed);
  const size = new TextEncoder().encode(text).length;
  if (size > limit) {
    refuseText(say("too_long", { size, limit }));
    return false;
  }
  last = text;
  actions.post(text);
  return true;
}

function submitField() {
  if (!field.value.trim() || !submitText(field.value)) return;
  writeText("");
}

function writeText(text) {
  field.value = text;
  noteText();
}

// What is typed and not sent outlives the page.
function noteText() {
  refuseText("");
  remember("sessionStorage", unsentKey, field.value);
  if (!growsByItself) fitField();
}

function fitField() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

// Of an input method; Safari marks the Enter that ends it only by this old number.
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

export function offerStop(since = Infinity) {
  const rest = since + offerStopAfter - performance.now();
  const isShown = rest <= 0;
  const button = part("stop");
  if (!isShown && document.activeElement === button) field.focus();
  if (button.hidden === isShown) button.hidden = !isShown;
  clearTimeout(stopTimer);
  if (0 < rest && rest < Infinity) stopTimer = setTimeout(offerStop, rest, since);
}

function handleKey(event) {
  if (isComposing(event)) return;
  if (event.key === "Enter" && !event.shiftKey && !isTouch) {
    event.preventDefault();
    submitField();
  } else if (event.key === "ArrowUp" && !field.value && last) {
    event.preventDefault();
    writeText(last);
  } else if (event.key === "Escape" && actions.stop()) {
    // A widget around this page closes at a key that has no use in it.
    event.preventDefault();
  }
}

// Takes how to `post` a text, how to `stop` an answer, and how to `connect`. The field keeps the
// focus when a button goes away. No form: a sandboxed frame may forbid them.
export function startComposer(own) {
  actions = own;
  if (isTouch) field.removeAttribute("enterkeyhint");
  writeText(field.value || (recall("sessionStorage", unsentKey) ?? ""));
  field.addEventListener("input", noteText);
  // Where the window changes. In the next frame, as an observer may not resize what it observes.
  if (!growsByItself) new ResizeObserver(() => requestAnimationFrame(fitField)).observe(field);
  field.addEventListener("keydown", handleKey);
  const buttons = { send: submitField, stop: actions.stop, retry: actions.connect };
  for (const [name, press] of Object.entries(buttons)) {
    part(name).addEventListener("click", () => {
      press();
      field.focus();
    });
  }
  part("suggestions").addEventListener("click", ({ target }) => {
    // Not what stands there, which the browser may have translated.
    const text = target.closest("[data-text]")?.dataset.text;
    if (!text) return;
    submitText(text);
    focusField();
  });
  if (window.top === window) focusField();
}
