// Entries that come from the room.

import { Draft } from "./draft.js";
import { showEnd, showTimes } from "./endings.js";
import { nameOf, showEntry } from "./entry.js";
import { announce, labels } from "./parts.js";
import { showRow } from "./rows.js";
import { markSeam } from "./seams.js";
import { forgetMessage, outbox } from "./sending.js";
import { setting } from "./setting.js";
import { stopping } from "./stopping.js";
import { history, holdEntry, placeEntry, trimTimeline } from "./timeline.js";
import { transcript } from "./transcript.js";
import { noteNews } from "./unread.js";

// What a welcome announces, until all of it is here.
let arriving;
// Whether something may be missing between what is here and what comes.
let mayMiss = false;

export function clearIntake() {
  arriving = undefined;
  history.clear();
}

export function startArrival({ position, resumed, has_earlier: hasEarlier }) {
  const isFirst = arriving?.isFirst ?? history.newest === null;
  arriving = { isFirst, from: arriving?.from, until: position, hasEarlier };
  mayMiss = !resumed && history.newest !== null;
  endArrival(history.newest);
}

function endArrival(newest) {
  const { isFirst, from, until, hasEarlier } = arriving;
  if (newest < until) return;
  const [top] = history.entries;
  arriving = undefined;
  transcript.readNews();
  if (isFirst && hasEarlier && top) markSeam(top, from);
}

export function takeNewEntry(frame) {
  const entry = takeEntry(frame);
  if (entry) showNews(entry);
  else mayMiss = false;
  if (!arriving) return;
  arriving.from ??= frame.position;
  endArrival(frame.position);
}

function showNews(entry) {
  if (!entry.item) return;
  if (mayMiss) markSeam(entry, arriving?.hasEarlier && entry.position);
  mayMiss = false;
  if (!arriving?.isFirst && !entry.isMine) {
    setting.noteNews?.(entry);
    noteNews(entry);
  }
  transcript.noteGrowth(!entry.isMine);
  const top = transcript.isFollowing && trimTimeline();
  if (top) markSeam(top, top.position);
}

// Returns the entry, unless it is here already. What is old is no news.
export function takeEntry(frame, isOld = false) {
  const { kind, position } = frame;
  history.newest = Math.max(history.newest, position);
  if (history.find(position)) return undefined;
  const known = kind === "answer" ? history.answers.get(frame.in_reply_to) : findOwn(frame);
  known?.draft?.flush();
  const before = known?.text;
  const entry = Object.assign(known ?? {}, frame, { at: Date.parse(frame.sent_at) });
  if (!known && (frame.text || kind !== "answer")) showEntry(entry);
  if (isOld) entry.item?.setAttribute("aria-live", "off");
  if (kind === "message") takeMessage(entry, known);
  if (kind === "answer") takeAnswer(entry, before);
  if (entry.item) {
    setting.decorate?.(entry);
    placeEntry(entry);
  } else {
    history.know(entry);
  }
  return entry;
}

// Of the messages that wait, the one that the room has now. Others may use the same id.
const findOwn = (frame) =>
  (frame.kind === "message" && setting.isMine(frame) ? outbox.messages.get(frame.id) : undefined);

function takeMessage(entry, isAwaited) {
  if (isAwaited) {
    forgetMessage(entry);
    transcript.noteItem(entry.item);
    entry.item.classList.remove("waiting");
  }
  const answer = history.findAnswer(entry);
  if (answer?.position) endMessage(entry, answer.outcome);
}

function takeAnswer(entry, drafted) {
  const { item, text, outcome } = entry;
  const message = history.findQuestion(entry);
  stopping.delete(message?.id);
  entry.end = outcome;
  if (!setting.isAlone) transcript.release(item);
  if (message) endMessage(message, outcome);
  if (text && message?.sentAt) showTimes(message.sentAt, entry.firstAt);
  if (item && !text) {
    item.remove();
    entry.item = undefined;
  } else if (item) {
    if (entry.draft && text !== drafted) {
      item.body.clear();
      item.body.append(text);
    }
    item.querySelector("b").textContent = nameOf(entry);
    showEnd(entry);
    transcript.unhushItem(item);
    announce(entry.draft ? `${nameOf(entry)}: ${item.body.words}` : "");
  }
}

export function endMessage(message, outcome, detail = labels.reply_failed) {
  message.end = outcome;
  message.detail = detail;
  if (outcome !== "done") showEnd(message, message.isMine);
}

export function takeDraft({ in_reply_to: question, text, is_start: isStart }) {
  let entry = history.answers.get(question);
  if (entry?.position) return;
  if (!entry) {
    entry = showEntry({ kind: "answer", in_reply_to: question, text: "", at: Date.now() });
    const show = (batch) => transcript.appendText(entry.item, batch, entry.text.length);
    entry.draft = new Draft(entry, show);
    entry.firstAt = performance.now();
    transcript.hushItem(entry.item);
    holdEntry(entry);
    showRow(entry);
    if (!setting.isAlone && transcript.isAtNewest) transcript.question = entry.item;
    announce(labels.writing);
  }
  if (isStart) {
    if (entry.draft.resume(text)) entry.item.body.clear();
    transcript.noteItem(entry.item, labels.writing);
  } else {
    entry.draft.add(text);
  }
}
