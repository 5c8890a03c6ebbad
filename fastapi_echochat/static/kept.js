// A conversation with a bot that is kept: a room of one, known by a token that nobody can guess.

import { field } from "./composer.js";
import { connection } from "./connection.js";
import { part } from "./parts.js";
import { newSecret, ownSecret } from "./secret.js";
import { keyFor } from "./storage.js";
import { history } from "./timeline.js";
import { mayClear } from "./tools.js";

const tokenKey = keyFor("token", location);
let token;
// A message that is older than this, in milliseconds, and has no answer may never get one.
let answeredWithin = 0;

const unanswered = () => history.unansweredSince(Date.now() - answeredWithin);

export const kept = {
  start(restart) {
    token = ownSecret(tokenKey);
    part("clear").addEventListener("click", () => {
      if (!mayClear()) return;
      if (connection.isOpen) {
        for (const { id } of unanswered()) connection.send({ type: "stop", id });
      }
      token = newSecret(tokenKey);
      restart();
      field.focus();
    });
    // Of another tab that has cleared it.
    addEventListener("storage", (event) => {
      if (event.key !== tokenKey || !event.newValue) return;
      token = ownSecret(tokenKey);
      restart();
    });
  },
  enter: () => ({ conversation: token }),
  welcome({ limits }) { answeredWithin = limits.resume_seconds * 1000; },
  unanswered,
  author: null,
  isAlone: true,
  maySpeak: true,
  isMine: () => true,
};
