// Messages that were written so long ago that their author may want them no more.

import { labels, lang, say } from "./parts.js";
import { transcript } from "./transcript.js";

// A day, in milliseconds: no clock that is put right is wrong by so much.
const staleAfter = 86_400_000;
const longTime = { dateStyle: "long", timeStyle: "short" };

// Asks about each before it is sent. `send` sends what is due, `discard` ends one.
export function holdStale(outbox, { send, discard }) {
  for (const message of outbox.messages.values()) {
    const { item, at, isHeld } = message;
    if (isHeld !== undefined || Date.now() - at < staleAfter) continue;
    message.isHeld = true;
    transcript.noteItem(item, say("stale", { time: new Date(at).toLocaleString(lang, longTime) }));
    const buttons = [];
    const offer = (text, act) => {
      buttons.push(transcript.addButton(item, "again", text, () => {
        message.isHeld = false;
        for (const button of buttons) button.remove();
        act(message);
      }));
    };
    offer(labels.send, send);
    offer(labels.discard, discard);
  }
}
