// A room in which people talk: names, presence, times, news.

import { field } from "./composer.js";
import { closeNaming, me, startNaming, takeName, takeRefusal, welcomeName } from "./naming.js";
import { isOwn, rememberOwn, watchOtherTabs } from "./own_messages.js";
import { announce, part, say } from "./parts.js";
import { noteSent, noteSilence, noteTyping, showPeople, tellTyping } from "./presence.js";
import { renameDays, settleEntry, showTime } from "./times.js";
import { noteNews, unmarkFresh, watchReading } from "./unread.js";

const isMine = ({ id, author }) =>
  (me.isGuest ? isOwn(id, author === me.name) : author === me.name);

export const people = {
  frames: {
    presence: showPeople,
    typing({ author }) { if (author !== me.name) noteTyping(author); },
    named({ author }) {
      takeName(author);
      closeNaming();
      announce(say("named", { name: author }));
    },
  },
  start() {
    startNaming();
    field.addEventListener("input", () => { if (me.name) tellTyping(); });
    watchReading();
    watchOtherTabs(isMine);
    renameDays();
  },
  enter: () => ({ name: me.wanted }),
  welcome(author, { name }) {
    welcomeName(author);
    part("room").textContent = name;
    part("room").hidden = name === "main";
  },
  get myself() { return me.name; },
  get maySpeak() { return me.name !== null; },
  isMine,
  unanswered: () => [],
  refuseName: takeRefusal,
  decorate: showTime,
  settle: settleEntry,
  noteNews(entry) {
    noteSilence(entry.author);
    noteNews(entry);
  },
  notePosted({ id }) {
    rememberOwn(id);
    noteSent();
    unmarkFresh();
  },
};
