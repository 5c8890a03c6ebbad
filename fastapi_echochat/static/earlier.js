// What was said before that which is here: asked for by who scrolls up to it, or by its button.

// The entry before which earlier ones were asked for.
let asked;

const seams = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) target.press();
}, { root: log.box, rootMargin: "200px 0px" });

// Marks that there is more before an entry, or may be; without `before` there is nothing to ask for.
function sew(entry, before) {
  const mark = document.createElement("li");
  if (entry !== history.entries[0]) mark.append(labels.gap);
  mark.press = () => {
    if (asked || !wire.monitor.isOpen) return;
    asked = entry;
    wire.send({ type: "earlier", before });
  };
  if (before) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = labels.earlier;
    button.addEventListener("click", mark.press);
    mark.append(button);
    seams.observe(mark);
  }
  history.mark(entry, "seam", mark);
  entry.item.classList.remove("same");
}

function takeEarlier({ entries, has_earlier }) {
  const below = asked;
  asked = undefined;
  if (!below?.seam) return;
  const hadFocus = below.seam.contains(document.activeElement);
  keepPlace(() => {
    history.mark(below, "seam");
    const unknown = entries.filter(({ kind, id }) => !history.find(kind, id)?.position);
    const taken = unknown.map((frame) => take(frame, true));
    // Where something is known already nothing is missing in between.
    if (unknown.length < entries.length) return;
    const top = taken.find(({ item }) => item) ?? below;
    if (has_earlier) sew(top, entries[0].position);
    else if (top !== history.entries[0]) sew(top);
  });
  if (hadFocus) log.box.focus({ preventScroll: true });
}

// What is before one's eyes stays there while something comes in above it.
function keepPlace(change) {
  const bottomOf = ({ item }) => item.getBoundingClientRect().bottom;
  const { top } = log.box.getBoundingClientRect();
  const { entries } = history;
  const read = entries.find((entry) => bottomOf(entry) > top) ?? entries.at(-1);
  const before = bottomOf(read);
  const restore = () => { log.box.scrollTop += bottomOf(read) - before; };
  change();
  if (log.isFollowing) return log.follow();
  restore();
  // What has come in takes its real height once it is in view.
  requestAnimationFrame(restore);
}
