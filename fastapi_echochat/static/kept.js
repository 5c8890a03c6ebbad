// A conversation with a bot that is kept: a room of one, known by a token that nobody can guess.

function talkInPrivate() {
  const key = `echochat conversation ${endpoint}`;
  // A message that is older than this, in milliseconds, and has no answer may never get one.
  const answeredWithin = 600_000;
  const newest = 50;
  let token = recall("localStorage", key) ?? newToken();

  function newToken() {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
    remember("localStorage", key, text);
    return text;
  }

  function unanswered() {
    const since = Date.now() - answeredWithin;
    const isOpen = ({ kind, end, at }) => kind === "message" && !end && at > since;
    return [...history.entries.slice(-newest), ...history.loose].filter(isOpen);
  }

  function begin() {
    part("clear").addEventListener("click", () => {
      if (!mayClear()) return;
      if (wire.monitor.isOpen) for (const { id } of unanswered()) wire.send({ type: "stop", id });
      token = newToken();
      restart();
      field.focus();
    });
    // Of another tab that has cleared it.
    addEventListener("storage", (event) => {
      if (event.key !== key || !event.newValue) return;
      token = recall("localStorage", key);
      restart();
    });
  }

  return {
    begin,
    unanswered,
    takes: {},
    enter: () => ({ conversation: token }),
    author: () => null,
    isMine: () => true,
    maySpeak: () => true,
    // What people among themselves need, and nobody alone with a bot.
    dress() {},
    news() {},
    posted() {},
    refused() {},
    settle() {},
    welcome() {},
  };
}
