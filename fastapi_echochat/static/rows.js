// The buttons under answers. What makes them is another script, which a page that has any asks for
// with the first answer.

import { askAgain } from "./composer.js";
import { connection } from "./connection.js";
import { loadScript } from "./lazy.js";
import { main } from "./parts.js";
import { transcript } from "./transcript.js";

const wanted = main.dataset.buttons;
const unshown = new Set();
let areLoading = false;
let rows;
let page;

// Takes what differs between pages: `idOf(answer)` is what the server knows an answer by,
// `questionOf(answer)` the message before it, if that is one's own.
export function startRows(own) {
  const send = (frame) => connection.send(frame);
  page = { ...own, send, askAgain, box: transcript.box, grow: () => transcript.noteGrowth(false) };
}

// Of an answer that has begun, or ended. It may find its place only after this.
export function showRow(entry) {
  if (!wanted) return;
  unshown.add(entry);
  if (rows) Promise.resolve().then(showUnshown);
  else if (!areLoading) loadRows();
}

function showUnshown() {
  for (const entry of unshown) rows.show(entry);
  unshown.clear();
}

function loadRows() {
  areLoading = true;
  const take = ({ Rows }) => {
    rows = new Rows(page);
    showUnshown();
  };
  // The next answer asks for it again.
  loadScript(main.dataset.buttonsScript, take, () => { areLoading = false; });
}

export const takeVerdict = (frame) => rows?.takeVerdict(frame);

export function clearRows() {
  unshown.clear();
  rows?.clear();
}
