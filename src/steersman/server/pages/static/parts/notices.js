/** Short words about what was just done; they are read aloud and go by themselves. */

import { el, icon } from "../dom.js";

const SHOWN = 8000;

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
