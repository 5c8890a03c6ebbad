// One's own name, and how a guest changes it.

import { field, focusField, isComposing } from "./composer.js";
import { connection } from "./connection.js";
import { labels, part } from "./parts.js";
import { recall, remember } from "./storage.js";
import { repairText } from "./words.js";

const nameKey = "echochat name";
// `id` is one's pseudonym and `name` what others see. Of the names that a guest asks for, `wanted` is
// the last, `entered` the last that went with `enter`, and `accepted` the last that was given.
// Members get their name from the host and keep it.
export const me = { id: null, name: null, isGuest: false };
me.wanted = me.accepted = recall("localStorage", nameKey);

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
  const name = repairText(part("name").value.trim());
  refuseName(name ? "" : labels.bad_name);
  if (!name) return;
  me.wanted = name;
  if (connection.isOpen) connection.send({ type: "name", name });
  else if (me.name !== null) closeNaming();
}

export function takeName(name, asked = me.wanted) {
  me.name = name;
  const rename = part("rename");
  rename.hidden = !me.isGuest || name === null;
  rename.textContent = name;
  rename.title = labels.rename;
  rename.ariaLabel = `${name}, ${labels.rename}`;
  if (name === null || !me.isGuest) return;
  me.accepted = asked;
  remember("localStorage", nameKey, me.accepted);
}

export function takeIdentity({ id, name, is_guest: isGuest }) {
  const wasNameless = me.name === null;
  me.id = id;
  me.isGuest = isGuest;
  takeName(name, me.entered);
  if (!isGuest) closeNaming();
  // It was asked for after `enter`, when no connection could carry it yet.
  else if (me.wanted !== me.entered) connection.send({ type: "name", name: me.wanted });
  else if (name === null) askName(me.wanted === null ? "" : labels.bad_name);
  else if (wasNameless) closeNaming();
}

export function takeRefusal() {
  me.wanted = me.accepted;
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
