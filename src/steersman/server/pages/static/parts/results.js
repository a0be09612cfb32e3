/** How instants went: the last one in words, the newest ones as a strip. */

import { el } from "../dom.js";
import { lateness, reason, result } from "../wording.js";
import * as times from "../times.js";
import { badge, time } from "./pieces.js";

/** The newest instant of a schedule: its result, when that was, and how late. */
export function last({ recent: [newest], timezone }) {
  if (!newest) return el("span", { class: "off" }, "never ran");
  const was = [time(newest.instant, timezone), late(newest)];
  return [badge(result(newest)), was.map((each) => each && el("small", {}, each))];
}

/** `12 s late`, nothing where that is not worth a word. */
export function late(instant) {
  const seconds = lateness(instant);
  return seconds === null ? null : el("span", { class: "warn" }, `${times.span(seconds)} late`);
}

/** The newest instants, the latest at the right; each says what it is on hover. */
export function lately({ recent, timezone }) {
  const words = recent.map((each) => result(each).word);
  const label = words.length ? `newest first: ${words.join(", ")}` : "none yet";
  const pips = [...recent].reverse().map((each) => {
    const { tone, word } = result(each);
    const when = times.full(Date.parse(each.instant), timezone);
    const title = `${when}\n${word}: ${reason(each)}${each.covers > 1 ? ` (${each.covers})` : ""}`;
    return el("i", { class: `pip ${tone}`, title });
  });
  return el("span", { class: "strip", role: "img", "aria-label": label }, pips);
}
