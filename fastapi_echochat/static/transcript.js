// The list of messages, which follows its end until somebody scrolls up or an answer fills it.

import { makeBody } from "./bodies.js";
import { meaningOf, placeFor } from "./following.js";
import { part } from "./parts.js";

class Transcript {
  static longText = 2000;
  // Lists of a hundred: what is new lays out the last of them, and not ten thousand messages.
  listLength = 100;
  static pause = 250;

  constructor(box, newest) {
    this.box = box;
    this.newest = newest;
    this.thinking = part("thinking");
    if (!this.thinking.isConnected) {
      this.thinking.hidden = true;
      box.append(this.thinking);
    }
    this.isFollowing = true;
    this.isHeld = false;
    this.top = 0;
    this.movedAt = -Infinity;
    box.addEventListener("scroll", () => this.noteScroll());
    for (const event of ["wheel", "touchmove", "keydown"]) {
      box.addEventListener(event, () => { this.movedAt = performance.now(); }, { passive: true });
    }
    this.watchPresses();
    newest.addEventListener("click", () => {
      this.follow();
      box.focus({ preventScroll: true });
    });
    this.sizes = new ResizeObserver(() => this.isFollowing && this.followEnd());
    this.sizes.observe(box);
    box.setAttribute("aria-live", "off");
  }

  // A scrollbar that is held, a finger that rests, a selection that is made.
  watchPresses() {
    const note = (isPressed) => () => {
      if (this.isPressed) this.movedAt = performance.now();
      this.isPressed = isPressed;
    };
    for (const event of ["pointerdown", "touchstart"]) {
      this.box.addEventListener(event, note(true), { passive: true });
    }
    for (const event of ["pointerup", "touchend", "touchcancel"]) addEventListener(event, note(false));
    // Of a scrollbar some browsers do not tell when it is let go.
    addEventListener("pointermove", ({ buttons, pointerType }) => {
      if (this.isPressed && !buttons && pointerType === "mouse") note(false)();
    });
    document.addEventListener("selectionchange", () => {
      if (this.hasSelection) this.isFollowing = false;
    });
  }

  get hasSelection() {
    const { isCollapsed, anchorNode } = getSelection();
    return !isCollapsed && this.box.contains(anchorNode);
  }

  // From here on a screen reader reads out what is new.
  readNews() {
    part("greeting").hidden = false;
    this.box.removeAttribute("aria-live");
  }

  // Follows the end, or an answer until its question has come to the top.
  follow(question) {
    this.question = question;
    this.isFollowing = this.newest.hidden = true;
    this.movedAt = -Infinity;
    this.followEnd();
  }

  // Of an answer that has ended: what is held stays, and else the end is followed.
  release(item) {
    if (this.question !== item) return;
    this.isFollowing = !this.isHeld;
    this.question = undefined;
  }

  // What follows the end and is not held before it sees what comes.
  get isAtNewest() { return this.isFollowing && !this.isHeld; }

  get isByReader() {
    return this.isPressed || performance.now() - this.movedAt < Transcript.pause;
  }

  noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    // Where sizes changed and nobody touched anything, the end has gone away by itself.
    const isSameSize = scrollHeight === this.height && clientHeight === this.room;
    const meaning = scrollTop === this.top ? "" : meaningOf({
      isUp: scrollTop < this.top,
      isHeld: this.isHeld,
      rest: scrollHeight - scrollTop - clientHeight,
      // One turn of a wheel is many small steps, the first of them near the end.
      isDeliberate: isSameSize || this.isByReader,
    });
    [this.top, this.height, this.room] = [scrollTop, scrollHeight, clientHeight];
    if (meaning === "stay") this.isFollowing = false;
    if (meaning !== "follow" || this.isAtNewest) return;
    this.isFollowing = this.newest.hidden = true;
    this.question = undefined;
    this.isHeld = false;
  }

  get list() {
    const list = this.thinking.previousElementSibling;
    return this.hasSpace(list) ? list : this.newList();
  }

  hasSpace(list) { return list?.localName === "ol" && list.childElementCount < this.listLength; }

  newList(next = this.thinking) {
    const list = document.createElement("ol");
    this.box.insertBefore(list, next);
    this.sizes.observe(list);
    return list;
  }

  makeItem(kind, who, text) {
    const item = document.createElement("li");
    const name = document.createElement("b");
    item.body = makeBody(kind);
    item.className = kind;
    name.textContent = who;
    item.append(name, item.body.element);
    item.body.append(text);
    this.noteLength(item, text.length);
    return item;
  }

  noteLength(item, length) {
    if (length > Transcript.longText) item.classList.add("long");
  }

  appendText(item, text, length) {
    item.body.append(text);
    this.noteLength(item, length);
    this.noteGrowth();
  }

  // A screen reader would read a growing text from its beginning with each piece.
  hushItem(item) {
    item.setAttribute("aria-busy", "true");
    item.setAttribute("aria-live", "off");
  }

  unhushItem(item) {
    item.removeAttribute("aria-busy");
    item.removeAttribute("aria-live");
  }

  noteItem(item, text) {
    let note = item.querySelector("small");
    if (!text) return note?.remove();
    if (!note) item.body.element.after((note = document.createElement("small")));
    note.textContent = text;
    this.noteGrowth(false);
  }

  addButton(item, kind, text, press) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.textContent = text;
    button.addEventListener("click", () => press(button));
    item.append(button);
    this.noteGrowth(false);
    return button;
  }

  clear() {
    for (const list of this.box.querySelectorAll("ol")) list.remove();
    this.newest.hidden = this.isFollowing = true;
    this.question = undefined;
  }

  noteGrowth(isNews = true) {
    if (this.isFollowing) this.followEnd();
    else if (isNews) this.newest.hidden = false;
  }

  // Once a frame at most; twice running, as items take their real height when they come in view.
  followEnd() {
    if (this.isMoving) return;
    this.isMoving = true;
    requestAnimationFrame(() => {
      this.goToEnd();
      requestAnimationFrame(() => {
        this.goToEnd();
        this.isMoving = false;
      });
    });
  }

  goToEnd() {
    if (!this.isFollowing) return;
    if (this.isByReader) {
      // A move of the reader's own begins at the end: it is let get away from there.
      clearTimeout(this.later);
      this.later = setTimeout(() => this.followEnd(), Transcript.pause);
      return;
    }
    const { box, question, newest } = this;
    const { top, isHeld } = placeFor(
      box.scrollHeight - box.clientHeight,
      question?.isConnected ? this.topOf(question) : undefined,
    );
    box.scrollTop = top;
    [this.top, this.height, this.room] = [box.scrollTop, box.scrollHeight, box.clientHeight];
    this.isHeld = isHeld;
    newest.hidden = !isHeld;
  }

  topOf(item) {
    const { box } = this;
    return item.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - 8;
  }
}

export const transcript = new Transcript(part("log"), part("newest"));
