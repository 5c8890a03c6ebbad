// A room in which people talk: names, presence, times, news.

import { field } from "./composer.js";
import { closeNaming, me, startNaming, takeIdentity, takeName, takeRefusal } from "./naming.js";
import { announce, part, say } from "./parts.js";
import { noteSent, noteSilence, noteTyping, showPeople, tellTyping } from "./presence.js";
import { renameDays, settleEntry, showTime } from "./times.js";

export const people = {
  frames: {
    presence: showPeople,
    typing({ author }) { if (author.id !== me.id) noteTyping(author); },
    named({ name }) {
      takeName(name);
      closeNaming();
      announce(say("named", { name }));
    },
  },
  start() {
    startNaming();
    field.addEventListener("input", () => { if (me.name) tellTyping(); });
    renameDays();
  },
  enter: () => ({ name: me.entered = me.wanted }),
  welcome({ you, room }) {
    takeIdentity(you);
    part("room").textContent = room.name;
    part("room").hidden = room.name === "main";
  },
  get author() { return { id: me.id, name: me.name }; },
  get maySpeak() { return me.name !== null; },
  isMine: ({ author }) => author?.id === me.id,
  unanswered: () => [],
  refuseName: takeRefusal,
  decorate: showTime,
  settle: settleEntry,
  noteNews(entry) { noteSilence(entry.author?.id); },
  notePosted: noteSent,
};
