// Emphasis: which runs of * and _ and ~ belong together (CommonMark, section 6.2).

import { mergeTexts } from "./links.js";

export const deepest = 32;
const space = /^\s/;
const punctuation = /^[\p{P}\p{S}]/u;
// Chinese, Japanese and Korean put no space between words: beside them a run may begin and end.
const unspaced = /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u;

// A run between two characters, each whole, or a line break where the text begins or ends.
export function makeRun(char, count, before, after) {
  const isEdge = (other) => space.test(other) || punctuation.test(other) || unspaced.test(other);
  const isFree = (own, other) => !space.test(own) && (!punctuation.test(own) || isEdge(other));
  const isLeft = isFree(after, before);
  const isRight = isFree(before, after);
  const isWithin = char === "_" && isLeft && isRight;
  return {
    char,
    count,
    rest: count,
    canOpen: isLeft && (!isWithin || punctuation.test(before)),
    canClose: isRight && (!isWithin || punctuation.test(after)),
    opened: [],
    closed: [],
  };
}

function canPair(opener, closer) {
  const mayOverlap = opener.canClose || closer.canOpen;
  return opener.char === closer.char
    && !(mayOverlap && closer.count % 3 && (opener.count + closer.count) % 3 === 0);
}

function findOpener(openers, closer, bottom) {
  let at = openers.length - 1;
  while (at >= 0 && openers[at].index > bottom && !canPair(openers[at], closer)) at -= 1;
  return at >= 0 && openers[at].index > bottom ? at : -1;
}

function pairRuns(tokens) {
  const openers = [];
  // Below these no opener was found for a run of the same kind, so none is looked for again.
  const bottoms = {};
  tokens.forEach((run, index) => {
    if (!run.char) return;
    run.index = index;
    const kind = `${run.char}${run.canOpen}${run.count % 3}`;
    while (run.canClose && run.rest) {
      const at = findOpener(openers, run, bottoms[kind] ?? -1);
      if (at < 0) {
        bottoms[kind] = index - 1;
        break;
      }
      const opener = openers[at];
      openers.length = at + 1;
      const width = Math.min(opener.rest, run.rest, 2);
      opener.opened.push(width);
      run.closed.push(width);
      opener.rest -= width;
      run.rest -= width;
      if (!opener.rest) openers.pop();
    }
    if (run.canOpen && run.rest) openers.push(run);
  });
}

const tagOf = (char, width) => (char === "~" ? "del" : width === 2 ? "strong" : "em");

// Returns texts, nodes and runs as a tree. What is nested too deep stays text.
export function nestRuns(tokens) {
  pairRuns(tokens);
  const path = [{ children: [] }];
  let tooDeep = 0;
  const add = (node) => path.at(-1).children.push(node);
  for (const token of tokens) {
    if (!token.char) {
      add(token);
      continue;
    }
    const { char, opened, closed, rest } = token;
    for (const width of closed) {
      if (tooDeep) {
        tooDeep -= 1;
        add(char.repeat(width));
      } else {
        const node = path.pop();
        node.children = mergeTexts(node.children);
      }
    }
    if (rest) add(char.repeat(rest));
    for (const width of opened.reverse()) {
      if (path.length > deepest) {
        tooDeep += 1;
        add(char.repeat(width));
      } else {
        const node = { tag: tagOf(char, width), children: [] };
        add(node);
        path.push(node);
      }
    }
  }
  return mergeTexts(path[0].children);
}
