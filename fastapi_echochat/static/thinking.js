// The sign that an answer is coming, before anything of it is here.

import { announce, labels, part } from "./parts.js";
import { transcript } from "./transcript.js";

// What is answered at once needs no sign that comes and goes.
const thinkAfter = 300;
let timer;

// Shows it once a message has been under way since a time for long enough; without one it goes.
export function showThinking(since = Infinity) {
  const rest = since + thinkAfter - performance.now();
  const isShown = rest <= 0;
  clearTimeout(timer);
  if (0 < rest && rest < Infinity) timer = setTimeout(showThinking, rest, since);
  if (part("thinking").hidden !== isShown) return;
  part("thinking").hidden = !isShown;
  if (!isShown) return;
  announce(labels.writing);
  transcript.noteGrowth(false);
}
