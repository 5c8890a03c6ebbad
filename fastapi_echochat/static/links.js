// Links: what may be one, and addresses that stand in a text.

// Longer ones are no links.
export const longestAddress = 2048;
const allowed = /^(?:https?:\/\/|mailto:)\P{Cc}+$/iu;
// What may hold an address, told without looking for one.
const hint = /:\/\/|www\.|@/i;
// What ends an address: spaces, quotation marks, what shows nothing, and the punctuation of Chinese
// and Japanese, which has no space after it. A part before the @ has at most 64 octets (RFC 5321,
// section 4.5.3.1.1), a label 63 (RFC 1035, section 2.3.4).
const address = new RegExp(
  "(?:https?://|www\\.)[^\\s<>\x22`|\\\\^{}\u00ab\u00bb\u200b-\u200f\u2018-\u201f\u202a-\u202e"
    + "\u2060-\u206f\u3000-\u3003\u3008-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40"
    + "\uff5b-\uff65]+"
    + "|[\\p{L}\\p{N}.+_-]{1,64}@(?:[\\p{L}\\p{N}-]{1,63}\\.)+\\p{L}{2,63}",
  "giu",
);
const beginning = /^[\p{L}\p{N}]/u;
const wordCharacter = /[a-z0-9_.+-]$/i;
const trailing = /[\p{P}~]/u;
const pairs = { ")": "(", "]": "[" };

export const isAllowed = (href) => href.length <= longestAddress && allowed.test(href);

export const makeLink = (href, children) => ({ tag: "a", href, children });

// Returns how much of an address is its own: up to a bracket that was opened before it, and without
// punctuation at its end, which belongs to the sentence.
function ownLength(text) {
  const open = {};
  let end = 0;
  for (; end < text.length; end += 1) {
    const char = text[end];
    if (pairs[char] && !open[pairs[char]]) break;
    if (pairs[char]) open[pairs[char]] -= 1;
    else open[char] = (open[char] ?? 0) + 1;
  }
  while (end && !")]/-&=#%$".includes(text[end - 1]) && trailing.test(text[end - 1])) end -= 1;
  return end;
}

function makeAddress(found) {
  const text = found.slice(0, ownLength(found));
  const [, scheme, rest] = /^(https?:\/\/|www\.)?(.*)$/i.exec(text);
  if (!beginning.test(rest)) return undefined;
  if (!scheme) return makeLink(`mailto:${text}`, [text]);
  return makeLink(/^w/i.test(scheme) ? `http://${text}` : text, [text]);
}

function linkifyWord(word, nodes) {
  let end = 0;
  for (const { 0: found, index } of word.matchAll(address)) {
    const before = word.slice(end, index);
    const link = wordCharacter.test(before) ? undefined : makeAddress(found);
    if (!link) continue;
    if (before) nodes.push(before);
    nodes.push(link);
    end = index + link.children[0].length;
  }
  if (end < word.length) nodes.push(word.slice(end));
}

// Returns a text as texts and links, word by word. A word that is too long for a link stays text.
export function linkify(text) {
  if (!hint.test(text)) return text ? [text] : [];
  const nodes = [];
  let end = 0;
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    if (word.length > longestAddress || !hint.test(word)) continue;
    if (index > end) nodes.push(text.slice(end, index));
    linkifyWord(word, nodes);
    end = index + word.length;
  }
  if (end < text.length) nodes.push(text.slice(end));
  return mergeTexts(nodes);
}

// Returns nodes in which no two texts stand side by side.
export function mergeTexts(nodes) {
  const merged = [];
  for (const node of nodes) {
    if (typeof node !== "string" || typeof merged.at(-1) !== "string") merged.push(node);
    else merged.push(merged.pop() + node);
  }
  return merged.filter((node) => node !== "");
}
