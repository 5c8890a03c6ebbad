// A text with links, which may grow.

import { makeAnchor } from "./anchors.js";
import { linkify, longestAddress } from "./links.js";

const isSpace = (char) => /\s/.test(char);

function splitLastWord(text) {
  let end = text.length;
  while (end && !isSpace(text[end - 1])) end -= 1;
  return [text.slice(0, end), text.slice(end)];
}

function splitFirstWord(text) {
  let end = 0;
  while (end < text.length && !isSpace(text[end])) end += 1;
  return [text.slice(0, end), text.slice(end)];
}

// Text nodes side by side: what is there already is not copied for each piece.
export class LinkedText {
  constructor(element) {
    this.element = element;
    this.words = this.word = "";
    this.isLong = false;
    this.shown = 0;
  }

  show(nodes) {
    for (const node of nodes) this.element.append(makeAnchor(node));
    return nodes.length;
  }

  // The last word may go on, and be a link then, or none any more.
  append(piece) {
    this.words += piece;
    for (; this.shown; this.shown -= 1) this.element.lastChild.remove();
    const [long, rest] = this.isLong ? splitFirstWord(piece) : ["", piece];
    const [before, word] = splitLastWord(this.word + rest);
    if (long) this.show([long]);
    this.show(linkify(before));
    this.isLong = (this.isLong && !rest) || word.length > longestAddress;
    this.word = this.isLong ? "" : word;
    if (!this.isLong) this.shown = this.show(linkify(word));
    else if (word) this.show([word]);
  }
}
