// One's own name, and how a guest changes it.

import { field, focusField, isComposing } from "./composer.js";
import { connection } from "./connection.js";
import { labels, part } from "./parts.js";
import { recall, remember } from "./storage.js";

const nameKey = "echochat name";
// A guest's name may say that it is one.
const bareName = (name) => name.replace(/\s\(guest\)$/, "");

// `name` is what others see, `wanted` what a guest asks for. A name that a dependency of the host's
// gives cannot be changed here.
export const me = { name: null, wanted: recall("localStorage", nameKey), isGuest: false };

export function askName(refusal = "") {
  const { activeElement } = document;
  const isFirst = me.name === null;
  part("naming").hidden = false;
  part("composer").hidden = true;
  part("cancel").hidden = isFirst;
  part("join").textContent = isFirst ? labels.join : labels.change;
  refuseName(refusal);
  // Nobody is taken away from what they read, and no host's page from itself.
  const own = [field, ...["rename", "join", "name"].map(part)];
  if (own.includes(activeElement)) part("name").focus({ preventScroll: true });
}

export function closeNaming() {
  const hadFocus = part("naming").contains(document.activeElement);
  part("naming").hidden = true;
  part("composer").hidden = false;
  if (hadFocus) focusField();
}

function refuseName(why) {
  part("name-refusal").textContent = why;
  part("name").setAttribute("aria-invalid", String(Boolean(why)));
}

function submitName() {
  const name = part("name").value.trim();
  refuseName(name ? "" : labels.bad_name);
  if (!name) return;
  me.wanted = name;
  if (connection.isOpen) connection.send({ type: "name", name });
  else if (me.name !== null) closeNaming();
}

export function takeName(name) {
  me.name = name;
  const rename = part("rename");
  rename.hidden = !me.isGuest || name === null;
  rename.textContent = name;
  rename.title = labels.rename;
  rename.ariaLabel = `${name}, ${labels.rename}`;
  if (name === null || !me.isGuest) return;
  me.wanted = bareName(name);
  remember("localStorage", nameKey, me.wanted);
}

export function welcomeName(name) {
  const wasNameless = me.name === null;
  me.isGuest ||= name === null || (me.wanted !== null && bareName(name) === me.wanted);
  takeName(name);
  if (name === null) askName(me.wanted === null ? "" : labels.bad_name);
  else if (wasNameless) closeNaming();
}

export function takeRefusal() {
  me.wanted = me.name && bareName(me.name);
  askName(labels.bad_name);
}

export function startNaming() {
  part("naming").hidden = true;
  part("join").addEventListener("click", submitName);
  part("cancel").addEventListener("click", closeNaming);
  part("rename").addEventListener("click", () => {
    part("name").value = me.wanted;
    askName();
    part("name").select();
  });
  part("name").addEventListener("input", () => refuseName(""));
  part("name").addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "Enter") submitName();
    else if (event.key === "Escape" && me.name !== null) closeNaming();
    else return;
    event.preventDefault();
  });
}
