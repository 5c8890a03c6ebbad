// Who is here, and who is writing.

import { field } from "./composer.js";
import { connection } from "./connection.js";
import { labels, lang, part, say } from "./parts.js";
import { fillLabel } from "./words.js";

const typingEvery = 2000;
const typingFor = 4000;
const mostNames = 8;
const nameList = new Intl.ListFormat(lang);
// By pseudonym: two people may have one name.
const writing = new Map();
let typeNextAt = 0;

// Each name by itself, as one that is written from right to left would turn its neighbours.
const isolateNames = (names) => nameList.formatToParts(names).map(({ type, value }) => {
  if (type === "literal") return value;
  const name = document.createElement("bdi");
  name.textContent = value;
  return name;
});

const fillPart = (name, label, values) =>
  part(name).replaceChildren(...(label ? fillLabel(labels[label], values) : []));

export function showPeople({ people, others }) {
  const all = people.map(({ name }) => name);
  const count = all.length + others;
  const names = all.slice(0, mostNames);
  const more = count - names.length;
  if (more) names.push(say("more", { count: more }));
  fillPart("here", all.length && "here", { count: String(count), names: isolateNames(names) });
  part("here").title = nameList.format(all);
}

function showWriting() {
  const names = [...writing.values()].map(({ name }) => name);
  const label = ["", "writing_one", "writing_some", "writing_some"][names.length] ?? "writing_many";
  fillPart("writing", label, { names: isolateNames(names) });
}

export function noteTyping({ id, name }) {
  clearTimeout(writing.get(id)?.timer);
  writing.set(id, { name, timer: setTimeout(noteSilence, typingFor, id) });
  showWriting();
}

export function noteSilence(id) {
  clearTimeout(writing.get(id)?.timer);
  if (writing.delete(id)) showWriting();
}

export function tellTyping() {
  const now = performance.now();
  if (!field.value || !connection.isOpen || now < typeNextAt) return;
  // Not in step with others: of those who say so at the same time the server passes on one.
  typeNextAt = now + typingEvery * (1 + Math.random() / 2);
  connection.send({ type: "typing" });
}

export const noteSent = () => { typeNextAt = 0; };
