// The field one writes in, and the button that stops the answer to it.

import { main, part, say } from "./parts.js";

// What is answered at once needs no button that comes and goes.
const offerStopAfter = 400;
export const field = part("field");
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

export function submitText(text) {
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
  field.value = "";
  fitField();
}

function fitField() {
  refuseText("");
  field.rows = Math.min(6, field.value.split("\n").length);
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
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submitField();
  } else if (event.key === "ArrowUp" && !field.value && last) {
    event.preventDefault();
    field.value = last;
    fitField();
  } else if (event.key === "Escape" && actions.stop()) {
    // A widget around this page closes at a key that has no use in it.
    event.preventDefault();
  }
}

// Takes how to `post` a text, how to `stop` an answer, and how to `connect`. The field keeps the
// focus when a button goes away. No form: a sandboxed frame may forbid them.
export function startComposer(own) {
  actions = own;
  field.addEventListener("input", fitField);
  field.addEventListener("keydown", handleKey);
  const buttons = { send: submitField, stop: actions.stop, retry: actions.connect };
  for (const [name, press] of Object.entries(buttons)) {
    part(name).addEventListener("click", () => {
      press();
      field.focus();
    });
  }
  if (window.top === window) focusField();
}
