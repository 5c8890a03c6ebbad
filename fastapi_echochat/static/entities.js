// Characters that are written as something else: escapes, and references of HTML.

// HTML has 2,231 names; these are the ones that people write.
const named = {
  amp: "&", lt: "<", gt: ">", quot: "\x22", apos: "'", nbsp: "\xa0", shy: "\xad", sect: "§",
  copy: "©", reg: "®", trade: "™", deg: "°", plusmn: "±", times: "×", divide: "÷",
  middot: "·", micro: "µ", para: "¶", frac12: "½", cent: "¢", pound: "£", yen: "¥",
  euro: "€", laquo: "«", raquo: "»", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”",
  ndash: "–", mdash: "—", bull: "•", hellip: "…", larr: "←", uarr: "↑", rarr: "→",
  darr: "↓", harr: "↔", rArr: "⇒", minus: "−", infin: "∞", ne: "≠", le: "≤",
  ge: "≥", check: "✓", auml: "ä", ouml: "ö", uuml: "ü", eacute: "é",
};
const reference = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,31}));/iy;
const written = /\\([!-/:-@[-\x60{-~])|&(?:#\d{1,7}|#x[\da-f]{1,6}|\w{1,31});/gi;

export const isEscapable = (char) => /^[!-/:-@[-\x60{-~]$/.test(char);

// CommonMark, section 2.5: what is no character is U+FFFD.
function fromCode(code) {
  const isCharacter = code && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return String.fromCodePoint(isCharacter ? code : 0xfffd);
}

// Returns the character that a reference stands for and where it ends, if one stands there.
export function readReference(text, start) {
  reference.lastIndex = start;
  const found = reference.exec(text);
  if (!found) return undefined;
  const [whole, decimal, hex, name] = found;
  const char = name ? Object.hasOwn(named, name) && named[name]
    : fromCode(decimal ? Number(decimal) : parseInt(hex, 16));
  return char ? { char, end: start + whole.length } : undefined;
}

export const unescapeText = (text) => text.replace(written, (whole, escaped) =>
  escaped ?? readReference(whole, 0)?.char ?? whole);
