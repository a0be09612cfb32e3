/** The ledger of a schedule: what became of each instant, why, and an answer to "why not then?". */

import { get } from "../api.js";
import { el, fill, row, table } from "../dom.js";
import { field, tell } from "../parts/dialogs.js";
import { badge, button, choices, time } from "../parts/pieces.js";
import { late } from "../parts/results.js";
import * as times from "../times.js";
import { reason, result, sentence } from "../wording.js";

const LENGTH = 25;
const STATES = [["", "All"], ["fired", "Fired"], ["skipped", "Skipped"], ["missed", "Missed"]];
const HEADS = ["Instant", "Result", "Why", "Run"];

/**
 * The ledger at *address*; *schedule* says how that schedule is now. `whole` is the section,
 * `asking` the form that explains any instant, `look` asks the server again.
 */
export function ledger(address, schedule) {
  const place = el("div");
  const state = { filter: "", pages: 1, drawn: null };

  async function look() {
    const found = await pages(address, state);
    if (found.items.length === 0 || found.key !== state.drawn) {
      state.drawn = found.key;
      fill(place, drawn(found, state, address, schedule(), more));
    }
  }

  function more() {
    state.pages += 1;
    return look();
  }

  const tabs = choices("Show", STATES, "", (filter) => {
    Object.assign(state, { filter, pages: 1, drawn: null });
    look().catch((error) => tell(place, error));
  });
  const whole = el(
    "section",
    { class: "panel ledger", "aria-labelledby": "ledger" },
    el("header", {}, el("h2", { id: "ledger" }, "What happened"), tabs),
    place,
  );
  return { whole, asking: asking(address, schedule), look };
}

async function pages(address, { filter, pages: wanted }) {
  const query = `${address}/instants?limit=${LENGTH}${filter && `&state=${filter}`}`;
  const items = [];
  let cursor = null;
  for (let page = 0; page < wanted && (page === 0 || cursor); page += 1) {
    const found = await get(query + (cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""));
    items.push(...found.items);
    cursor = found.next;
  }
  return { items, cursor, key: JSON.stringify(items) };
}

function drawn({ items, cursor }, { filter }, address, { timezone }, more) {
  if (!items.length) {
    const what = filter ? `No instant was ${filter}.` : "No instant has come yet.";
    return el("p", { class: "none" }, what);
  }
  return [
    table({ class: "instants", "aria-labelledby": "ledger" }, HEADS,
      items.map((each) => line(each, address, timezone))),
    cursor && el("p", { class: "more" }, button("Show older ones", more)),
  ];
}

function line(instant, address, zone) {
  const { covers, message, runs } = instant;
  const told = el("div", { class: "told" });
  const why = button("Explain", () => explain(told, why, address, instant.instant),
    { kind: "quiet", "aria-expanded": "false" });
  return row(
    {},
    el("th", { role: "rowheader", scope: "row" }, time(instant.instant, zone),
      covers > 1 && el("small", {}, ["to ", time(instant.until, zone), `, ${covers} instants`])),
    [badge(result(instant)), el("small", {}, late(instant))],
    el("td", { role: "cell", class: "why" },
      el("p", {}, sentence(reason(instant)), message && [": ", el("q", {}, message)]), told),
    [runs.map((each) => el("a", { href: `/runs/${each.split("/").map(encodeURIComponent).join("/")}` },
      `#${each.split("/").at(-1)}`)), why],
  );
}

/** Say under a row, in sentences, why it is what it is; say it no more when asked again. */
async function explain(told, asker, address, instant) {
  const open = told.childElementCount > 0;
  asker.setAttribute("aria-expanded", String(!open));
  if (open) fill(told);
  else await tellWhy(told, address, instant);
}

async function tellWhy(place, address, instant) {
  try {
    const found = await get(`${address}/explain?instant=${encodeURIComponent(instant)}`);
    fill(place, found.answers.map((each) => el("p", {}, sentence(each))));
  } catch (error) {
    tell(place, error);
  }
}

function asking(address, schedule) {
  const told = el("div", { class: "told", role: "status" });
  const when = field("Instant", { type: "datetime-local", step: "1", required: true });
  const tried = (event) => {
    event.preventDefault();
    tellWhy(told, address, times.stamp(when.input.value, schedule().timezone));
  };
  return el(
    "section",
    { class: "panel", "aria-labelledby": "asking" },
    el("h2", { id: "asking" }, "Why, or why not?"),
    el("p", { class: "sub" }, "Ask about any moment: what ran then, or why nothing did."),
    el("form", { on: { submit: tried } }, when.whole,
      el("button", { type: "submit", class: "button" }, "Explain"), told),
  );
}
