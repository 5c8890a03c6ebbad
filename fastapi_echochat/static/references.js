// What a link points to: written beside it, or defined elsewhere under a label.

import { isEscapable, unescapeText } from "./entities.js";
import { isAllowed, longestAddress } from "./links.js";

const angled = new RegExp(`<((?:[^<>\\\\\\n]|\\\\.){0,${longestAddress}})>`, "y");
const titled =
  /\x22((?:[^\x22\\]|\\[^]){0,999})\x22|'((?:[^'\\]|\\[^]){0,999})'|\(((?:[^()\\]|\\[^]){0,999})\)/y;
const labelled = /\[((?:[^\\[\]]|\\[^]){0,999})\]/y;
const gap = /\s*/y;
const lineEnd = /[\t\x20]*(?:\n|$)/y;
const mostBrackets = 32;

function match(pattern, text, start) {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

const skip = (text, start) => start + match(gap, text, start)[0].length;

// Returns where a bare destination ends: brackets in it are balanced.
function endOfBare(text, start) {
  let depth = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text[at];
    if (char <= " " || char === "\x7f") break;
    if (char === "\\" && isEscapable(text[at + 1])) at += 1;
    else if (char === "(" && (depth += 1) > mostBrackets) return start;
    else if (char === ")" && (depth -= 1) < 0) return at;
  }
  return depth ? start : at;
}

function readDestination(text, start) {
  const inAngles = text[start] === "<";
  const found = inAngles && match(angled, text, start);
  if (inAngles && !found) return undefined;
  const end = inAngles ? angled.lastIndex : endOfBare(text, start);
  const href = unescapeText(inAngles ? found[1] : text.slice(start, end));
  return isAllowed(href) ? { href, end } : undefined;
}

function readTitle(text, start) {
  const at = skip(text, start);
  const found = at > start ? match(titled, text, at) : null;
  if (!found) return undefined;
  return { title: unescapeText(found[1] ?? found[2] ?? found[3]), end: titled.lastIndex };
}

// Returns what stands in round brackets after a link's text.
export function readTarget(text, start) {
  if (text[start] !== "(") return undefined;
  const destination = readDestination(text, skip(text, start + 1));
  if (!destination) return undefined;
  const title = readTitle(text, destination.end);
  const end = skip(text, (title ?? destination).end);
  return text[end] === ")" ? { ...destination, ...title, end: end + 1 } : undefined;
}

// CommonMark, section 4.7: labels match whatever their case and their spaces.
export const foldLabel = (label) => label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();

// Returns a label in square brackets, which may be empty.
export function readLabel(text, start) {
  const found = match(labelled, text, start);
  return found ? { label: foldLabel(found[1]), end: labelled.lastIndex } : undefined;
}

export function readDefinition(text, start) {
  const { label, end: colon } = readLabel(text, start) ?? {};
  if (!label || text[colon] !== ":") return undefined;
  const destination = readDestination(text, skip(text, colon + 1));
  if (!destination) return undefined;
  for (const part of [readTitle(text, destination.end), destination]) {
    const rest = part && match(lineEnd, text, part.end);
    if (rest) return { label, ...destination, ...part, end: lineEnd.lastIndex };
  }
  return undefined;
}
