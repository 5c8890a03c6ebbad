// A conversation with a bot that is kept: a room of one, known by a token that nobody can guess.

import { field } from "./composer.js";
import { connection } from "./connection.js";
import { newSecret, ownSecret } from "./secret.js";
import { keyFor } from "./storage.js";
import { history } from "./timeline.js";
import { offerClear } from "./tools.js";

const tokenKey = keyFor("token", location);
let token;
// A message that is older than this, in milliseconds, and has no answer may never get one.
let answeredWithin = 0;
// The server's clock, by which entries have their times, less the page's own, which nobody sets.
let offset = 0;

const unanswered = () => history.unansweredSince(performance.now() + offset - answeredWithin);

export const kept = {
  start(restart) {
    token = ownSecret(tokenKey);
    offerClear(() => {
      if (connection.isOpen) {
        for (const { id } of unanswered()) connection.send({ type: "stop", id });
      }
      token = newSecret(tokenKey);
      restart(true);
      field.focus();
    });
    // Of another tab that has cleared it.
    addEventListener("storage", (event) => {
      if (event.key !== tokenKey || !event.newValue) return;
      token = ownSecret(tokenKey);
      restart(false);
    });
  },
  enter: () => ({ conversation: token }),
  welcome({ limits, room }) {
    answeredWithin = limits.resume_seconds * 1000;
    offset = Date.parse(room.time) - performance.now();
  },
  unanswered,
  author: null,
  isAlone: true,
  maySpeak: true,
  isMine: () => true,
};
