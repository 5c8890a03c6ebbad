// The buttons at answers: Copy, and where the host wants them two thumbs, by which people say what
// they think of an answer, and Answer again under the last one.

import { copyText } from "./clipboard.js";
import { announce, labels, main } from "./parts.js";
import { keyFor, recall, remember } from "./storage.js";

const svg = "http://www.w3.org/2000/svg";
const thumb = "M3 11h4v10H3zM7 11l4-8q3 0 3 3l-1 4h6q2.5 0 2 2.5l-1.5 6.5q-.5 2-2.5 2H7";
const names = { up: labels.helpful, down: labels.unhelpful };
const wanted = (main.dataset.buttons ?? "").split(" ");
const key = keyFor("verdicts", location);
const mostKept = 200;
// In milliseconds.
const mostWait = 1000;

function makeButton(className, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  button.addEventListener("click", () => {
    // The state of the connection says what is wrong; here it is said again.
    if (main.dataset.state === "open") press(button);
    else announce(labels[main.dataset.why] ?? "");
  });
  return button;
}

function makeThumb(verdict, press) {
  const button = makeButton("thumb", press);
  const picture = document.createElementNS(svg, "svg");
  const line = document.createElementNS(svg, "path");
  button.value = verdict;
  button.title = names[verdict];
  button.tabIndex = -1;
  button.setAttribute("aria-label", names[verdict]);
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  line.setAttribute("d", thumb);
  picture.append(line);
  button.append(picture);
  return button;
}

export class Rows {
  constructor(page) {
    this.page = page;
    this.box = page.transcript.box;
    this.thumbs = new Map();
    // Nobody but this tab knows what was pressed.
    this.verdicts = new Map(recall("sessionStorage", key) ?? []);
    this.box.addEventListener("focusin", ({ target }) => this.moveTabStop(target.closest("li")));
    this.box.addEventListener("keydown", (event) => this.goToNext(event));
    this.box.addEventListener("keydown", (event) => this.goToNextCopy(event));
  }

  show(entry) {
    if (!entry.item?.isConnected) return;
    if (entry.end && entry.text) this.showCopy(entry);
    if (entry.end && entry === this.asked) this.submit?.();
    if (wanted.includes("verdict") && entry.end === "done") this.showThumbs(entry);
    if (wanted.includes("again")) this.offerAgain(entry);
    this.grow();
  }

  grow() { this.page.transcript.noteGrowth(false); }

  rowOf({ item }) {
    let row = item.querySelector(":scope > .row");
    if (row) return row;
    row = document.createElement("div");
    row.className = "row";
    row.setAttribute("aria-live", "off");
    item.append(row);
    return row;
  }

  // --- Copy --------------------------------------------------------------------------------

  showCopy({ item, text }) {
    if (item.querySelector(":scope > .copy")) return;
    const select = () => getSelection().selectAllChildren(item.body.element);
    const press = (button) => copyText(button, text, select);
    const { transcript } = this.page;
    this.setCopyStop(transcript.addButton(item, "copy", labels.copy_answer, press));
  }

  // A hundred answers are one stop of the Tab key, from which the arrows lead to the others.
  setCopyStop(button) {
    if (this.copyStop) this.copyStop.tabIndex = -1;
    this.copyStop = button;
    button.tabIndex = 0;
  }

  goToNextCopy(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.target.className !== "copy") return;
    event.preventDefault();
    const all = [...this.box.querySelectorAll(".copy")];
    const next = all[all.indexOf(event.target) + step];
    if (!next) return;
    this.setCopyStop(next);
    next.focus();
  }

  // --- Thumbs ------------------------------------------------------------------------------

  showThumbs(entry) {
    const row = this.rowOf(entry);
    if (row.querySelector(".thumb")) return;
    const id = this.page.idOf(entry);
    const press = ({ value }) => {
      this.noteRow(row, "");
      if (this.verdicts.get(id) === value) return;
      this.page.connection.send({ type: "feedback", id, verdict: value });
    };
    row.prepend(makeThumb("up", press), makeThumb("down", press));
    this.thumbs.set(id, row);
    this.showVerdict(id);
    this.moveTabStop(entry.item);
  }

  showVerdict(id) {
    for (const button of this.thumbs.get(id)?.querySelectorAll(".thumb") ?? []) {
      button.setAttribute("aria-pressed", String(button.value === this.verdicts.get(id)));
    }
  }

  // What the server says to a verdict: that it was passed on, or why not.
  takeVerdict({ id, verdict, code, refused }) {
    if (verdict) {
      this.verdicts.delete(id);
      this.verdicts.set(id, verdict);
      this.keepVerdicts();
      this.showVerdict(id);
      announce(labels.judged);
      return;
    }
    const row = this.thumbs.get(refused);
    if (!row) return;
    const isGone = code === "unknown_answer";
    if (isGone) for (const button of row.querySelectorAll(".thumb")) button.disabled = true;
    const words = labels[isGone ? "unknown_answer" : "feedback_failed"];
    this.noteRow(row, words);
    announce(words);
  }

  keepVerdicts() {
    remember("sessionStorage", key, [...this.verdicts].slice(-mostKept));
  }

  noteRow(row, text) {
    let note = row.querySelector("span");
    if (!text) return note?.remove();
    if (!note) row.append((note = document.createElement("span")));
    note.textContent = text;
    this.grow();
  }

  // The thumbs of a hundred answers are one stop of the Tab key, where one is or at the last.
  moveTabStop(item) {
    const thumbs = item?.querySelectorAll(".thumb") ?? [];
    if (!thumbs.length) return;
    for (const button of this.stops ?? []) button.tabIndex = -1;
    for (const button of thumbs) button.tabIndex = 0;
    this.stops = thumbs;
  }

  goToNext(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.target.className !== "thumb") return;
    event.preventDefault();
    const all = [...this.box.querySelectorAll(`.thumb[value="${event.target.value}"]`)];
    all[all.indexOf(event.target) + step]?.focus();
  }

  // --- Answer again ------------------------------------------------------------------------

  offerAgain(entry) {
    const { item, end } = entry;
    const newest = this.newest?.isConnected ? this.newest : item;
    if (item.compareDocumentPosition(newest) & item.DOCUMENT_POSITION_FOLLOWING) return;
    this.newest = item;
    this.again?.remove();
    this.again = undefined;
    const question = this.page.questionOf(entry);
    // What was stopped or failed has Send again, at its message.
    if (!question || (end && end !== "done")) return;
    this.again = makeButton("ask", () => this.ask(question, entry));
    this.again.textContent = labels.answer_again;
    this.rowOf(entry).append(this.again);
  }

  // What is stopped stands before what is asked then: a room may need a moment for it.
  ask({ text }, entry) {
    const { stop, submitText, focusField } = this.page;
    clearTimeout(this.asking);
    this.submit = () => {
      this.submit = undefined;
      clearTimeout(this.asking);
      submitText(text);
    };
    this.asked = entry;
    if (!entry.end) stop();
    if (entry.end) this.submit();
    else this.asking = setTimeout(this.submit, mostWait);
    focusField();
  }

  clear() {
    clearTimeout(this.asking);
    this.submit = undefined;
    this.thumbs.clear();
    this.verdicts.clear();
    this.keepVerdicts();
  }
}
