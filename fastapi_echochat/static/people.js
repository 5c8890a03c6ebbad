// A room in which people talk: their names, who is here, who is writing, when things were said, and
// what one has not read.

function talkAmongPeople() {
  const nameKey = "echochat name";
  const ownKey = "echochat own";
  const ownMost = 500;
  const typingEvery = 2000;
  const typingFor = 4000;
  const together = 300_000;
  const clock = new Intl.DateTimeFormat([], { timeStyle: "short" });
  const calendar = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "short" });
  const longDay = new Intl.DateTimeFormat(lang, { dateStyle: "full" });
  const nearDay = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const list = new Intl.ListFormat(lang);

  // The ids of what was said from this browser, by which a guest's own messages are known.
  const own = new Set(recall("localStorage", ownKey));
  const writing = new Map();
  // What one is called, and what the name is that a guest asks for.
  let me = null;
  let guest = recall("localStorage", nameKey);
  // A name that a dependency of the host's gives cannot be changed here.
  let isGuest = false;
  let typeNextAt = 0;
  let unread = 0;
  let fresh;

  // --- Words with names in them

  // Each name by itself, as one that is written from right to left would turn its neighbours.
  const isolated = (names) => list.formatToParts(names).map(({ type, value }) => {
    if (type === "literal") return value;
    const name = document.createElement("bdi");
    name.textContent = value;
    return name;
  });

  const fill = (label, values) => labels[label].split(/\{(\w+)\}/)
    .flatMap((text, index) => (index % 2 ? values[text] ?? "" : text));

  // --- Who is here, and who is writing

  function presence({ authors, others }) {
    const count = authors.length + others;
    const names = authors.slice(0, 8);
    const more = count - names.length;
    const all = more ? [...names, say("more", { count: more })] : names;
    const text = count ? fill("here", { count: String(count), names: isolated(all) }) : [];
    part("here").replaceChildren(...text);
    part("here").title = list.format(authors);
  }

  function typing({ author }) {
    if (author === me) return;
    clearTimeout(writing.get(author));
    writing.set(author, setTimeout(() => isSilent(author), typingFor));
    showWriting();
  }

  function isSilent(author) {
    clearTimeout(writing.get(author));
    if (writing.delete(author)) showWriting();
  }

  function showWriting() {
    const names = [...writing.keys()];
    const label = ["", "writing_one", "writing_some", "writing_some"][names.length] ?? "writing_many";
    part("writing").replaceChildren(...(label && fill(label, { names: isolated(names) })));
  }

  function tellTyping() {
    const now = performance.now();
    if (!field.value || !me || !wire.monitor.isOpen || now < typeNextAt) return;
    // Not in step with others: of those who say so at the same time the server passes on one.
    typeNextAt = now + typingEvery * (1 + Math.random() / 2);
    wire.send({ type: "typing" });
  }

  // --- One's own name

  // A guest's name may say that it is one.
  const bare = (author) => author.replace(/ \(guest\)$/, "");

  function askName(refusal = "") {
    const { activeElement } = document;
    part("naming").hidden = false;
    part("composer").hidden = true;
    part("cancel").hidden = me === null;
    part("join").textContent = me === null ? labels.join : labels.change;
    refuseName(refusal);
    // Nobody is taken away from what they read, and no host's page from itself.
    if ([field, ...["rename", "join", "name"].map(part)].includes(activeElement)) part("name").focus({ preventScroll: true });
  }

  function closeName() {
    const hadFocus = part("naming").contains(document.activeElement);
    part("naming").hidden = true;
    part("composer").hidden = false;
    if (hadFocus) focusField();
  }

  function refuseName(text) {
    part("name-refusal").textContent = text;
    part("name").setAttribute("aria-invalid", String(Boolean(text)));
  }

  function join() {
    const name = part("name").value.trim();
    if (!name) return refuseName(labels.bad_name);
    guest = name;
    refuseName("");
    if (wire.monitor.isOpen) wire.send({ type: "name", name });
    else if (me !== null) closeName();
    return undefined;
  }

  function called(author) {
    me = author;
    part("rename").hidden = !isGuest || me === null;
    part("rename").textContent = me;
    part("rename").title = labels.rename;
    part("rename").ariaLabel = `${me}, ${labels.rename}`;
    if (me === null || !isGuest) return;
    guest = bare(me);
    remember("localStorage", nameKey, guest);
  }

  // --- What one has not read

  const isSeen = () => !document.hidden && log.isFollowing;

  function read() {
    if (!unread || !isSeen()) return;
    unread = 0;
    document.title = title;
  }

  function news(entry) {
    isSilent(entry.author);
    if (isSeen() || !entry.item) return;
    if (!unread) {
      unmark();
      fresh = entry;
      const mark = document.createElement("li");
      mark.textContent = labels.new;
      history.mark(entry, "fresh", mark);
      entry.item.classList.remove("same");
    }
    unread += 1;
    document.title = `(${unread}) ${title}`;
  }

  function unmark() {
    if (fresh) history.mark(fresh, "fresh");
    fresh = undefined;
  }

  // --- Whose it is

  function isMine({ id, author }) {
    if (!isGuest) return author === me;
    if (author === me) for (const other of recall("localStorage", ownKey) ?? []) own.add(other);
    return own.has(id);
  }

  // What was said in another tab may be here before the browser tells this one whose it is.
  addEventListener("storage", ({ key }) => {
    if (key !== ownKey) return;
    for (const entry of history.entries.slice(-ownMost)) {
      if (entry.kind !== "message" || entry.isMine || !isMine(entry)) continue;
      entry.isMine = true;
      entry.item.classList.replace("theirs", "mine");
      entry.item.querySelector("b").textContent = labels.you;
      if (!unread) continue;
      unread -= 1;
      if (!unread) unmark();
      document.title = unread ? `(${unread}) ${title}` : title;
    }
  });

  // --- When it was said

  const dayOf = (at) => new Date(at).setHours(0, 0, 0, 0);

  function dayName(at) {
    const ago = Math.round((dayOf(at) - dayOf(Date.now())) / 86_400_000);
    const name = ago === 0 || ago === -1 ? nearDay.format(ago, "day") : longDay.format(at);
    return name.charAt(0).toLocaleUpperCase(lang) + name.slice(1);
  }

  function settle(entry, previous) {
    const { item, at, kind, author, position } = entry;
    const isSameDay = previous && dayOf(previous.at) === dayOf(at);
    if (position && Boolean(entry.day) === Boolean(isSameDay)) {
      const mark = isSameDay ? undefined : document.createElement("li");
      if (mark) mark.textContent = dayName(at);
      history.mark(entry, "day", mark);
    }
    const isSame = isSameDay && previous.kind === kind && previous.author === author
      && Math.abs(at - previous.at) < together && !entry.seam && !entry.fresh;
    item.classList.toggle("same", Boolean(isSame));
  }

  function renameDays() {
    for (const { day, at } of history.entries) if (day) day.textContent = dayName(at);
    setTimeout(renameDays, dayOf(Date.now()) + 86_400_000 - Date.now() + 1000);
  }

  function dress({ item, at }) {
    const name = item.querySelector("b");
    const time = item.querySelector("time") ?? document.createElement("time");
    time.dateTime = new Date(at).toISOString();
    time.textContent = clock.format(at);
    time.title = calendar.format(at);
    name.dir = "auto";
    name.after(time);
  }

  return {
    takes: {
      presence,
      typing,
      named({ author }) {
        called(author);
        closeName();
        announce(say("named", { name: author }));
      },
    },
    dress,
    news,
    settle,
    enter: () => ({ name: guest }),
    maySpeak: () => me !== null,
    author: () => me,
    unanswered: () => [],

    isMine,

    posted({ id }) {
      own.add(id);
      const others = recall("localStorage", ownKey) ?? [];
      remember("localStorage", ownKey, [...others, id].slice(-ownMost));
      typeNextAt = 0;
      unmark();
    },

    welcome(author, { name }) {
      const wasNameless = me === null;
      isGuest ||= author === null || (guest !== null && bare(author) === guest);
      called(author);
      part("room").textContent = name;
      part("room").hidden = name === "main";
      if (author === null) askName(guest === null ? "" : labels.bad_name);
      else if (wasNameless) closeName();
    },

    refused() {
      guest = me && bare(me);
      askName(labels.bad_name);
    },

    begin() {
      part("naming").hidden = true;
      field.addEventListener("input", tellTyping);
      part("join").addEventListener("click", join);
      part("cancel").addEventListener("click", closeName);
      part("rename").addEventListener("click", () => {
        part("name").value = guest;
        askName();
        part("name").select();
      });
      part("name").addEventListener("input", () => refuseName(""));
      part("name").addEventListener("keydown", (event) => {
        if (event.isComposing || event.keyCode === 229) return;
        if (event.key === "Enter") join();
        else if (event.key === "Escape" && me !== null) closeName();
        else return;
        event.preventDefault();
      });
      document.addEventListener("visibilitychange", read);
      log.box.addEventListener("scroll", read);
      log.newest.addEventListener("click", read);
      renameDays();
    },
  };
}
