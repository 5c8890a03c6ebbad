// A conversation with a bot that is kept: a room of one, known by a token that nobody can guess.

import { endpoint } from "./address.js";
import { field } from "./composer.js";
import { connection } from "./connection.js";
import { part } from "./parts.js";
import { newSecret } from "./secret.js";
import { recall, remember } from "./storage.js";
import { history } from "./timeline.js";
import { mayClear } from "./tools.js";

// A message that is older than this, in milliseconds, and has no answer may never get one.
const answeredWithin = 600_000;
const mostUnanswered = 50;
const tokenKey = `echochat conversation ${endpoint}`;
let token;

function changeToken() {
  token = newSecret();
  remember("localStorage", tokenKey, token);
}

function unanswered() {
  const since = Date.now() - answeredWithin;
  const isOpen = ({ kind, end, at }) => kind === "message" && !end && at > since;
  return [...history.entries.slice(-mostUnanswered), ...history.loose].filter(isOpen);
}

export const kept = {
  start(restart) {
    token = recall("localStorage", tokenKey);
    if (!token) changeToken();
    part("clear").addEventListener("click", () => {
      if (!mayClear()) return;
      if (connection.isOpen) {
        for (const { id } of unanswered()) connection.send({ type: "stop", id });
      }
      changeToken();
      restart();
      field.focus();
    });
    // Of another tab that has cleared it.
    addEventListener("storage", (event) => {
      if (event.key !== tokenKey || !event.newValue) return;
      token = recall("localStorage", tokenKey);
      restart();
    });
  },
  enter: () => ({ conversation: token }),
  unanswered,
  myself: null,
  maySpeak: true,
  isMine: () => true,
};
