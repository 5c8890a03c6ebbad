// The menu of what is done with a conversation as a whole.

import { useControls } from "./lazy.js";
import { part } from "./parts.js";
import { onRefusal } from "./storage.js";

let wanted;

onRefusal(() => { part("unkept").hidden = false; });

export function enableTools(isEnabled) {
  part("save").disabled = part("clear").disabled = part("menu").hidden = !isEnabled;
  if (isEnabled) useControls(takeMenu);
}

function takeMenu({ menu }) {
  wanted?.(menu);
  wanted = undefined;
}

function offer(name, act) {
  part(name).addEventListener("click", () => {
    wanted = act;
    useControls(takeMenu);
  });
}

// `nameOf` says who an entry is of, and `noteOf` how it ended.
export function offerSave(entriesOf, nameOf, noteOf) {
  const describe = (entry) => ({ ...entry, name: nameOf(entry), note: noteOf(entry) });
  offer("save", ({ save }) => save(entriesOf().map(describe)));
}

// Asks once before it clears.
export const offerClear = (clear) => offer("clear", ({ mayClear }) => mayClear() && clear());
