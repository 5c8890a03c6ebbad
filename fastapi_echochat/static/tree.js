// A text in Markdown that grows, as a tree: texts, and nodes with a `tag` and `children`.

import { parseBlocks } from "./blocks.js";
import { parseInlines } from "./inlines.js";

// The level of a heading below those before it, so that none is skipped. The page has the first.
function levelBelow(tag, above) {
  while (above.at(-1) >= tag) above.pop();
  above.push(tag);
  return Math.min(above.length + 1, 6);
}

// What is before the last block does not change any more, whatever comes: the rest is parsed again.
export class MarkdownTree {
  nodes = [];
  source = "";
  // The part that may change: from where the last block begins.
  rest = "";
  settled = 0;
  // Those of the table that is the last block that are whole: its head stays in the rest.
  rows = [];
  above = [];
  known = new Map();
  found = new Map();
  inlines = new Map();
  hasLabels = false;

  // Returns from which node on the tree is another one, and the nodes that were there.
  append(piece) {
    // A line may end with two characters, which come one by one.
    const text = (this.endsWithReturn && piece[0] === "\n" ? piece.slice(1) : piece)
      .replace(/\r\n?/g, "\n").replaceAll("\0", "\ufffd");
    if (piece) this.endsWithReturn = piece.endsWith("\r");
    this.source += text;
    this.rest += text;
    let blocks = this.parseRest();
    if (this.isRedefined) {
      // Labels of blocks that were settled mean something else now.
      this.inlines.clear();
      if ((this.settled || this.rows.length) && this.hasLabels) {
        this.settled = 0;
        this.rows = [];
        this.rest = this.source;
        this.above = [];
        this.known.clear();
        blocks = this.parseRest();
      }
    }
    const from = this.settled;
    const old = this.nodes.slice(from);
    this.nodes.length = from;
    this.show(blocks);
    return { from, old };
  }

  parseRest() {
    const before = this.found;
    const found = new Map();
    const blocks = parseBlocks(this.rest, ({ label, href, title }, at) => {
      if (!this.known.has(label) && !found.has(label)) found.set(label, { href, title, at });
    });
    const isOther = ([label, { href, title }]) => {
      const now = this.known.get(label) ?? found.get(label);
      return now?.href !== href || now.title !== title;
    };
    const isNew = ([label]) => !before.has(label);
    this.found = found;
    this.isRedefined = [...before].some(isOther) || [...found].some(isNew);
    return blocks;
  }

  show(blocks) {
    // A line that is not whole yet may be anything: what begins in it settles nothing.
    const lastLine = this.rest.lastIndexOf("\n", this.rest.length - 1) + 1;
    let last = blocks.length - 1;
    while (last > 0 && blocks[last].since >= lastLine) last -= 1;
    const cache = new Map();
    this.parseText = (text) => {
      const nodes = this.inlines.get(text) ?? parseInlines(text, (label) => this.find(label));
      cache.set(text, nodes);
      return nodes;
    };
    let above = this.above;
    blocks.forEach((block, index) => {
      if (index === last) {
        this.settled = this.nodes.length;
        above = [...above];
      }
      for (const node of this.finish(block, above)) this.nodes.push(node);
      if (index === 0 && this.rows.length) this.showRows();
    });
    this.inlines = cache;
    const [block, node] = [blocks[last], this.nodes[this.settled]];
    if (last > 0) this.settle(block.start);
    if (block?.tag === "table") this.settleRows(last > 0 ? 0 : block.start, node);
  }

  showRows() {
    const { children } = this.nodes.at(-1);
    children[1] = { tag: "tbody", children: [...this.rows, ...(children[1]?.children ?? [])] };
  }

  settleRows(start, { children }) {
    const head = this.rest.indexOf("\n", this.rest.indexOf("\n", start) + 1) + 1;
    const lastLine = this.rest.lastIndexOf("\n") + 1;
    const count = this.rest.slice(head, lastLine).split("\n").length - 1;
    const rows = children[1]?.children ?? [];
    // Fewer rows than lines: an empty one has ended the table.
    if (!head || rows.length - this.rows.length < count) return;
    this.rows = rows.slice(0, this.rows.length + count);
    this.rest = this.rest.slice(0, head) + this.rest.slice(lastLine);
  }

  find(label) {
    this.hasLabels = true;
    return this.known.get(label) ?? this.found.get(label);
  }

  settle(start) {
    this.rest = this.rest.slice(start);
    this.rows = [];
    for (const [label, target] of this.found) {
      if (target.at < start) {
        this.known.set(label, target);
        this.found.delete(label);
      }
    }
  }

  // Returns the nodes of a block: none where it has only defined labels, the words of a paragraph
  // where it is an item of a list without empty lines.
  finish(block, above, isTight) {
    const { tag, text, code, language, first, align } = block;
    if (code !== undefined) {
      return [{ tag, ...(language && { language }), children: code ? [code] : [] }];
    }
    if (text !== undefined) {
      const children = this.parseText(text);
      if (tag === "p") return !text || isTight ? children : [{ tag, children }];
      const level = tag[0] === "h" && { level: levelBelow(tag, above) };
      return [{ tag, ...level, ...(align && { align }), children }];
    }
    const isItem = tag === "li" && isTight;
    const children = (block.children ?? []).flatMap((child) =>
      this.finish(child, above, child.list ? !child.list.isLoose : isItem));
    return [{ tag, ...(first !== undefined && { start: first }), children }];
  }
}
