// The blocks of Markdown: paragraphs, headings, lists, quotes, code, tables (CommonMark, section 4
// and 5; its appendix has the algorithm).

import { unescapeText } from "./entities.js";
import { Line, trimBlanks } from "./lines.js";
import { readDefinition } from "./references.js";
import { addRow, startTable } from "./tables.js";

const mostNested = 32;
const heading = /^(#{1,6})(?=[\t\x20]|$)/;
const underline = /^(=+|-+)[\t\x20]*$/;
const rule = /^(?:(?:\*[\t\x20]*){3,}|(?:-[\t\x20]*){3,}|(?:_[\t\x20]*){3,})$/;
const fence = /^(?:(\x60{3,})([^\x60]*)|(~{3,})(.*))$/;
const marker = /^(?:[-+*]|(\d{1,9})[.)])(?=[\t\x20]|$)/;

// Whether a container goes on in a line, of which it takes its part then.
function goesOn(container, line) {
  if (container.tag === "blockquote") {
    if (line.indent > 3 || line.rest[0] !== ">") return false;
    line.skip(1).take(1);
    return true;
  }
  const isIn = line.rest ? line.indent >= container.indent : container.children.length > 0;
  if (isIn) line.take(container.indent);
  return isIn;
}

// The text of a heading without the signs that close it.
function headingText(rest) {
  const text = trimBlanks(rest);
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  return end && !/[\t\x20]/.test(text[end - 1]) ? text : trimBlanks(text.slice(0, end));
}

class Blocks {
  constructor(define) {
    this.define = define;
    this.root = { children: [] };
    // The containers that are open, and the block in the last of them that more lines may join.
    this.stack = [this.root];
    this.leaf = undefined;
  }

  takeLine(text, offset) {
    const { stack } = this;
    const line = new Line(text);
    this.offset = offset;
    let depth = 1;
    while (depth < stack.length && goesOn(stack[depth], line)) depth += 1;
    const isFenced = depth === stack.length && this.leaf?.fence;
    if (!isFenced && !line.rest) {
      this.takeBlank(line, depth);
      return;
    }
    if (isFenced) this.takeFenced(line);
    else if (!this.start(line, depth)) this.takeText(line);
    for (const container of stack) container.isBlank = false;
  }

  takeFenced(line) {
    const { fence: opening, indent, lines } = this.leaf;
    const run = trimBlanks(line.rest);
    const isClosing = line.indent < 4 && run.startsWith(opening)
      && run === opening[0].repeat(run.length);
    if (isClosing) this.closeLeaf();
    else lines.push(line.take(indent).text);
  }

  takeBlank(line, depth) {
    const { stack, leaf } = this;
    if (depth < stack.length) stack[depth].isBlank = true;
    if (depth < stack.length || leaf?.tag !== "pre") this.close(depth);
    else leaf.lines.push(line.take(4).text);
    // To what is around a quote its line is not blank.
    let above = depth;
    do stack[above -= 1].isBlank = true; while (above && stack[above].tag !== "blockquote");
  }

  // Opens the containers that begin in a line, and the block; returns whether nothing is left.
  start(line, depth) {
    let isOwn = depth === this.stack.length;
    while (line.rest && line.indent < 4) {
      if (isOwn && this.leaf?.tag === "p" && this.endParagraph(line)) return true;
      if (line.rest[0] === ">" && this.stack.length <= mostNested) {
        this.open({ tag: "blockquote", children: [] }, depth);
        line.skip(1).take(1);
      } else if (this.startLeaf(line, depth)) {
        return true;
      } else if (!this.startItem(line, depth, isOwn)) {
        break;
      }
      depth = this.stack.length;
      isOwn = false;
    }
    // A paragraph goes on where its containers do not: that is a lazy line.
    if (this.leaf?.tag !== "p" && depth < this.stack.length) this.close(depth);
    return !line.rest;
  }

  // What makes of the paragraph before it, or of its last line, something else.
  endParagraph(line) {
    const { leaf } = this;
    const found = underline.exec(line.rest);
    if (found) {
      this.takeDefinitions(leaf);
      if (!leaf.lines.length) return false;
      leaf.tag = found[1][0] === "=" ? "h1" : "h2";
      this.closeLeaf();
      return true;
    }
    const table = startTable(leaf.lines.at(-1), line.rest);
    if (!table || marker.test(line.rest)) return false;
    leaf.lines.pop();
    if (!leaf.lines.length) this.stack.at(-1).children.pop();
    this.add(table, this.stack.length);
    // It is a table since this line, and begins in the one before.
    table.start = leaf.lastOffset;
    this.leaf = table;
    return true;
  }

  startLeaf(line, depth) {
    const { rest, indent } = line;
    const level = heading.exec(rest)?.[1].length;
    const opening = level ? undefined : fence.exec(rest);
    if (level) {
      this.add({ tag: `h${level}`, text: headingText(rest.slice(level)) }, depth);
    } else if (opening) {
      const [language] = unescapeText(trimBlanks(opening[2] ?? opening[4])).split(/\s/);
      const block = { tag: "pre", fence: opening[1] ?? opening[3], language, indent, lines: [] };
      this.leaf = this.add(block, depth);
    } else if (rule.test(rest)) {
      this.add({ tag: "hr" }, depth);
    } else {
      return false;
    }
    return true;
  }

  startItem(line, depth, isOwn) {
    const [sign, number] = marker.exec(line.rest) ?? [];
    if (!sign || this.stack.length > mostNested) return false;
    const isEmpty = !trimBlanks(line.rest.slice(sign.length));
    const interrupts = isOwn && this.leaf?.tag === "p";
    if (interrupts && (isEmpty || (number && Number(number) !== 1))) return false;
    const { indent } = line;
    line.skip(sign.length);
    const blanks = line.rest && line.indent < 5 ? line.indent : 1;
    line.take(blanks);
    this.close(depth);
    const kind = sign.at(-1);
    let list = this.stack.at(-1).children.at(-1);
    if (list?.kind !== kind) {
      list = { tag: number ? "ol" : "ul", kind, children: [] };
      if (number) list.first = Number(number);
      this.add(list, depth);
    } else if (list.children.at(-1).isBlank) {
      list.isLoose = true;
    }
    const item = { tag: "li", list, indent: indent + sign.length + blanks, children: [] };
    list.children.push(item);
    this.stack.push(item);
    return true;
  }

  takeText(line) {
    const { leaf } = this;
    if (leaf?.tag === "p") {
      leaf.lines.push(line.rest);
      leaf.lastOffset = this.offset;
    } else if (line.indent > 3) {
      if (leaf?.tag !== "pre") this.leaf = this.add({ tag: "pre", lines: [] }, this.stack.length);
      this.leaf.lines.push(line.take(4).text);
    } else if (leaf?.tag === "table") {
      addRow(leaf, line.rest);
    } else {
      const block = { tag: "p", lines: [line.rest], lastOffset: this.offset };
      this.leaf = this.add(block, this.stack.length);
    }
  }

  open(container, depth) {
    this.add(container, depth);
    this.stack.push(container);
  }

  add(block, depth) {
    this.close(depth);
    const parent = this.stack.at(-1);
    if (parent.list && parent.isBlank && parent.children.length) parent.list.isLoose = true;
    parent.children.push(block);
    block.start = block.since = this.offset;
    return block;
  }

  close(depth) {
    this.closeLeaf();
    this.stack.length = depth;
  }

  closeLeaf() {
    const { leaf } = this;
    this.leaf = undefined;
    if (leaf?.tag === "pre") {
      const { lines, fence: isFenced } = leaf;
      while (!isFenced && !trimBlanks(lines.at(-1))) lines.pop();
      leaf.code = lines.map((line) => `${line}\n`).join("");
    } else if (leaf?.lines) {
      this.takeDefinitions(leaf);
      leaf.text = trimBlanks(leaf.lines.join("\n"));
    }
  }

  takeDefinitions(leaf) {
    if (leaf.lines[0]?.[0] !== "[") return;
    const text = leaf.lines.join("\n");
    let end = 0;
    for (let found; text[end] === "[" && (found = readDefinition(text, end));) {
      this.define(found, this.root.children.at(-1).start);
      end = found.end;
    }
    if (end) leaf.lines = end < text.length ? text.slice(end).split("\n") : [];
  }
}

// Returns the blocks of a text. What consists of lines has a `text`, or `code`. A block begins at
// its `start`, and is what it is by the line at `since`. `define` is told of definitions.
export function parseBlocks(text, define) {
  const blocks = new Blocks(define);
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const next = end < 0 ? text.length : end + 1;
    blocks.takeLine(text.slice(at, end < 0 ? next : end), at);
    at = next;
  }
  blocks.close(1);
  return blocks.root.children;
}
