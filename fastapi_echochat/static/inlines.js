// What stands within a line of Markdown: emphasis, code, links, line breaks.

import { makeRun, nestRuns } from "./emphasis.js";
import { isEscapable, readReference } from "./entities.js";
import { isAllowed, linkify, makeLink, mergeTexts } from "./links.js";
import { foldLabel, readLabel, readTarget } from "./references.js";

// What means something, and addresses, in which an underscore means nothing.
const special =
  /[\\\x60*_~[\]<&\n]|!\[|https?:\/\/[^\s<>[\]()*~\\&\x60_]+(?:_+[^\s<>[\]()*~\\&\x60_]+){0,99}/gi;
const autolink = /<([a-z][a-z0-9+.-]{1,31}:[^\s<>\p{Cc}]*)>/iuy;
const email = /<([\w.!#$%&'*+/=?^\x60{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*)>/iy;
const ticks = /\x60+/g;
const inline = /^(?:a|em|strong|del|code)$/;

// Returns the words of nodes, without what they look like.
export const wordsOf = (nodes) => nodes.map((node) =>
  (typeof node === "string" ? node
    : node.tag === "br" ? "\n"
    : wordsOf(node.children) + (inline.test(node.tag) ? "" : "\n"))).join("");

// A link has none within it: their words stay.
const withoutLinks = (nodes) => mergeTexts(nodes.flatMap((node) =>
  (!node.children ? [node]
    : node.tag === "a" ? node.children
    : [{ ...node, children: withoutLinks(node.children) }])));

const withLinks = (nodes) => nodes.flatMap((node) =>
  (typeof node === "string" ? linkify(node)
    : !node.children || node.tag === "a" || node.tag === "code" ? [node]
    : [{ ...node, children: withLinks(node.children) }]));

// Of a character outside of the Basic Multilingual Plane both halves.
const characterAt = (text, at) =>
  (at < text.length ? String.fromCodePoint(text.codePointAt(at)) : "\n");
const characterBefore = (text, at) =>
  (at ? /[^]$/u.exec(text.slice(Math.max(0, at - 2), at))[0] : "\n");

class Inlines {
  constructor(text, findTarget) {
    this.text = text;
    this.findTarget = findTarget;
    this.tokens = [];
    this.brackets = [];
    // How many of these are before a link, which has no link around it.
    this.idle = 0;
  }

  parse() {
    const { text } = this;
    for (let at = 0; at < text.length;) {
      special.lastIndex = at;
      const { 0: found, index } = special.exec(text) ?? { index: text.length };
      let end = index;
      if (found === "\n") while (end > at && text[end - 1] === " ") end -= 1;
      this.add(text.slice(at, end));
      at = found ? this.take(found, index, index - end) : index;
    }
    return withLinks(nestRuns(this.tokens));
  }

  add(token) { this.tokens.push(token); }

  // Takes what stands at a place, and returns where it ends.
  take(found, at, spaces) {
    const take = takers[found];
    const end = take && this[take](at, spaces);
    if (end) return end;
    this.add(found);
    return at + found.length;
  }

  takeLineBreak(at, spaces) {
    this.add(spaces > 1 ? { tag: "br" } : "\n");
    return at + 1;
  }

  takeEscape(at) {
    const next = this.text[at + 1];
    if (next !== "\n" && !isEscapable(next)) return undefined;
    this.add(next === "\n" ? { tag: "br" } : next);
    return at + 2;
  }

  takeReference(at) {
    const found = readReference(this.text, at);
    if (found) this.add(found.char);
    return found?.end;
  }

  takeCode(at) {
    const { text } = this;
    // Where the last run of each length is: what has no end is not looked for again and again.
    ticks.lastIndex = 0;
    this.lastTicks ??= new Map(
      Array.from(text.matchAll(ticks), ({ 0: run, index }) => [run.length, index]),
    );
    ticks.lastIndex = at;
    const { length } = ticks.exec(text)[0];
    const begin = at + length;
    let close;
    if ((this.lastTicks.get(length) ?? -1) >= begin) {
      do close = ticks.exec(text); while (close[0].length !== length);
    }
    if (!close) {
      this.add(text.slice(at, begin));
      return begin;
    }
    const code = text.slice(begin, close.index).replaceAll("\n", " ");
    const isPadded = code.startsWith(" ") && code.endsWith(" ") && /[^\x20]/.test(code);
    this.add({ tag: "code", children: [isPadded ? code.slice(1, -1) : code] });
    return close.index + length;
  }

  takeRun(at) {
    const { text } = this;
    const char = text[at];
    let end = at + 1;
    while (text[end] === char) end += 1;
    // Two tildes strike out; one means "about", more are a fence.
    if (char === "~" && end - at !== 2) this.add(text.slice(at, end));
    else this.add(makeRun(char, end - at, characterBefore(text, at), characterAt(text, end)));
    return end;
  }

  takeOpening(at) {
    const isImage = this.text[at] === "!";
    const start = at + (isImage ? 2 : 1);
    const outer = this.brackets.at(-1);
    if (outer) outer.hasInner = true;
    this.brackets.push({ isImage, start, index: this.tokens.length });
    this.add(isImage ? "![" : "[");
    return start;
  }

  takeClosing(at) {
    const { brackets, tokens } = this;
    const bracket = brackets.pop();
    if (!bracket) return undefined;
    const { isImage, index } = bracket;
    const isIdle = brackets.length < this.idle;
    if (isIdle) this.idle = brackets.length;
    if (isIdle && !isImage) return undefined;
    const target = readTarget(this.text, at + 1) ?? this.findReference(bracket, at);
    if (!target) return undefined;
    const children = nestRuns(tokens.splice(index).slice(1));
    const words = isImage && (wordsOf(children) || target.href);
    const link = makeLink(target.href, isImage ? [words] : withoutLinks(children));
    if (target.title) link.title = target.title;
    this.add(link);
    if (!isImage) this.idle = brackets.length;
    return target.end;
  }

  findReference({ start, hasInner }, at) {
    const own = readLabel(this.text, at + 1);
    if (own?.label) return this.findDefined(own.label, own.end);
    if (hasInner || at - start > 999) return undefined;
    return this.findDefined(foldLabel(this.text.slice(start, at)), own?.end ?? at + 1);
  }

  findDefined(label, end) {
    const target = label && this.findTarget(label);
    return target ? { ...target, end } : undefined;
  }

  takeAutolink(at) {
    for (const [pattern, prefix] of [[autolink, ""], [email, "mailto:"]]) {
      pattern.lastIndex = at;
      const found = pattern.exec(this.text);
      if (!found || !isAllowed(prefix + found[1])) continue;
      this.add(makeLink(prefix + found[1], [found[1]]));
      return pattern.lastIndex;
    }
    return undefined;
  }
}

const takers = {
  "\n": "takeLineBreak",
  "\\": "takeEscape",
  "&": "takeReference",
  "\x60": "takeCode",
  "*": "takeRun",
  "_": "takeRun",
  "~": "takeRun",
  "[": "takeOpening",
  "![": "takeOpening",
  "]": "takeClosing",
  "<": "takeAutolink",
};

// Returns nodes. `findTarget` returns what a label is defined as.
export const parseInlines = (text, findTarget) => new Inlines(text, findTarget).parse();
