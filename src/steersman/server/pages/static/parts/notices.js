/** Short words about what was just done; they are read aloud and go by themselves. */

import { el, icon } from "../dom.js";

const SHOWN = 8000;

/** Say since when the server does not answer, so that nobody takes what is old for new. */
export function silence(since) {
  let place = document.getElementById("silence");
  if (since === null) {
    place?.remove();
    return;
  }
  if (place) return;
  place = el("div", { id: "silence", class: "notice warn" }, icon("alert"),
    el("p", {}, `The server does not answer. This is how things were at ${since}.`));
  document.getElementById("notices").append(place);
}

/** Say *text* at the edge of the page. */
export function notice(text, tone = "good") {
  const made = el(
    "div",
    { class: `notice ${tone}` },
    icon(tone === "good" ? "check" : "alert"),
    el("p", {}, text),
    el(
      "button",
      { type: "button", class: "close", "aria-label": "Close", on: { click: () => made.remove() } },
      icon("cross"),
    ),
  );
  document.getElementById("notices").append(made);
  setTimeout(() => made.remove(), SHOWN);
}
