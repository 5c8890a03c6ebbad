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
    replaceElements(this.element, old, this.tree.nodes.slice(from), from, this.noteCode);
  }
}

document.currentScript.MarkdownView = MarkdownView;
