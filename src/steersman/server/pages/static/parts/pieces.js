/** What pages are put together from. */

import { el, icon } from "../dom.js";
import * as times from "../times.js";
import { sentence } from "../wording.js";

/** A state in a colour, with a drawing and its word: nobody needs to tell colours apart. */
export function badge({ tone, icon: drawing, word }, more = {}) {
  return el("span", { class: `badge ${tone}`, ...more }, icon(drawing), el("span", {}, word));
}

/** An instant as clocks of *zone* show it; the viewer's own time is told on hover. */
export function time(instant, zone, text) {
  const at = typeof instant === "number" ? instant : Date.parse(instant);
  const own = times.ownZone();
  const title = own === zone
    ? times.full(at, zone)
    : `${times.full(at, zone)}\nyour time: ${times.full(at, own)}`;
  return el("time", { datetime: new Date(at).toISOString(), title }, text ?? shortly(at, zone));
}

function shortly(at, zone) {
  return `${times.day(at, zone, Date.now())} ${times.clock(at, zone)}`;
}

/** How far an instant is away, kept right as time goes by. What was to come is then due "now". */
export function away(instant, zone) {
  const made = time(instant, zone, "");
  made.classList.add("away");
  made.classList.toggle("coming", Date.parse(instant) > Date.now());
  made.textContent = apart(made);
  return made;
}

function apart(made) {
  const now = Date.now();
  const instant = Date.parse(made.dateTime);
  return times.relative(made.classList.contains("coming") ? Math.max(instant, now) : instant, now);
}

/** Say anew how far every instant on the page is away. */
export function tick() {
  for (const each of document.querySelectorAll("time.away")) {
    const text = apart(each);
    if (each.textContent !== text) each.textContent = text;
  }
}

/** A button that does something here. */
export function button(text, act, { drawing, kind = "", ...more } = {}) {
  const attributes = { type: "button", class: `button ${kind}`, on: { click: act }, ...more };
  return el("button", attributes, drawing && icon(drawing), el("span", {}, text));
}

/** What went wrong, in the server's words, and what to do. */
export function trouble(error, again) {
  return el(
    "section",
    { class: "panel trouble", role: "alert" },
    el("h1", {}, error.status === 404 ? "Not here" : "That did not work"),
    words(error),
    button("Try again", again, { drawing: "turn" }),
    el("a", { href: "/schedules" }, "To the schedules"),
  );
}

/** What the server says of a mistake; a command in it is drawn as one. */
export function words({ message, hint }) {
  return [
    el("p", {}, coded(sentence(message))),
    hint && el("p", { class: "hint" }, coded(sentence(hint))),
  ];
}

function coded(text) {
  return text.split("`").map((each, number) => (number % 2 ? el("code", {}, each) : each));
}

/** A place where there is nothing yet, and how that changes. */
export function empty(title, ...text) {
  return el("section", { class: "panel empty" }, icon("wheel"), el("h2", {}, title), text);
}

/** What stands on a page until the server has answered. */
export function loading(what) {
  return el(
    "div",
    { class: "loading", role: "status" },
    el("span", { class: "unseen" }, `Loading ${what}`),
    [1, 2, 3, 4].map(() => el("div", { class: "bone", "aria-hidden": "true" })),
  );
}

/** A choice among a few, one of which holds. */
export function choices(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        on: {
          click: () => {
            for (const [at, each] of buttons.entries()) {
              each.setAttribute("aria-pressed", String(options[at][0] === value));
            }
            choose(value);
          },
        },
      },
      text,
    ),
  );
  return el("div", { class: "choices", role: "group", "aria-label": label }, buttons);
}
