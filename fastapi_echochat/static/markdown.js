// What a page asks for once it has something to render as Markdown: another script, since the first
// view does without.

import { replaceElements } from "./elements.js";
import { wordsOf } from "./inlines.js";
import { MarkdownTree } from "./tree.js";

// A text in an element. `noteCode` is told of each block of code.
class MarkdownView {
  constructor(element, noteCode) {
    this.element = element;
    this.noteCode = noteCode;
    this.tree = new MarkdownTree();
  }

  get words() { return wordsOf(this.tree.nodes).trim(); }

  append(piece) {
    const { from, old } = this.tree.append(piece);
    const { childNodes } = this.element;
    replaceElements(this.element, old, this.tree.nodes.slice(from), from, this.noteCode);
    // A list or a table has one direction, that of its first words; code is written from the left.
    for (let index = from; index < childNodes.length; index += 1) {
      childNodes[index].dir = childNodes[index].className === "code" ? "ltr" : "auto";
    }
  }
}

document.currentScript.MarkdownView = MarkdownView;
