/** What a schedule will do, on a calendar of its zone: by the day, or by the hour if it is often. */

import { el, icon, row, table } from "../dom.js";
import * as times from "../times.js";
import { count, pausedAt } from "../wording.js";

const DAY = 864e5;
const WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/** So many times of a day fit into its cell; the rest is counted. */
const FIT = 4;
/** So many days are shown by the hour. */
const HOURLY_DAYS = 10;

/** The section of what comes; what *pause* covers is drawn as skipped. */
export function calendar(coming, pause) {
  const { instants, hours, total, timezone, today, last } = coming;
  const byDay = instants !== null;
  return el(
    "section",
    { class: "panel calendar", "aria-labelledby": "coming" },
    el("header", {},
      el("h2", { id: "coming" }, byDay ? "The coming five weeks" : "The coming days"),
      el("p", { class: "sub" }, `${count(total, "instant")} until ${times.longDay(last)}, in ${timezone}`)),
    total === 0
      ? el("p", { class: "none" }, "Nothing is to come in this time.")
      : byDay ? month(instants, pause, today, last) : heat(hours, pause, today),
    pause && total > 0 && el("p", { class: "legend" }, el("span", { class: "time skipped" }, "00:00"),
      "skipped while it is paused"),
  );
}

function month(instants, pause, today, last) {
  const byDate = Map.groupBy?.(instants, dated) ?? grouped(instants);
  const first = Date.parse(today);
  const monday = first - ((new Date(first).getUTCDay() + 6) % 7) * DAY;
  const weeks = [];
  for (let week = monday; week <= Date.parse(last); week += 7 * DAY) {
    const days = WEEK.map((_, number) => new Date(week + number * DAY).toISOString().slice(0, 10));
    weeks.push(row({}, ...days.map((date) => cell(date, byDate.get(date) ?? [], pause, today, last))));
  }
  const heads = WEEK.map((name) => el("abbr", { title: name }, name.slice(0, 3)));
  return table({ class: "month", "aria-labelledby": "coming" }, heads, weeks);
}

function dated({ instant }) {
  return instant.slice(0, 10);
}

function grouped(instants) {
  const found = new Map();
  for (const each of instants) found.set(dated(each), [...(found.get(dated(each)) ?? []), each]);
  return found;
}

function cell(date, instants, pause, today, last) {
  const outside = date < today || date > last;
  const kind = [outside && "outside", date === today && "today", !instants.length && "free"];
  const shown = instants.length > FIT ? instants.slice(0, FIT - 1) : instants;
  const rest = instants.slice(shown.length);
  const number = Number(date.slice(8));
  const day = number === 1 || date === today ? times.longDay(date).split(" ").slice(1).join(" ") : number;
  return el(
    "td",
    { role: "cell", class: kind.filter(Boolean).join(" ") },
    el("span", { class: "number", "aria-hidden": "true" }, typeof day === "string" ? short(day) : day),
    el("span", { class: "date" }, times.longDay(date)),
    el("ul", {}, shown.map((each) => el("li", {}, moment(each, pause))),
      rest.length > 0 && el("li", {}, el("span",
        { class: "rest", title: rest.map(clock).join(", ") }, `+${rest.length}`,
        el("span", { class: "unseen" }, " more")))),
  );
}

function short(day) {
  const [number, name] = day.split(" ");
  return `${number} ${name.slice(0, 3)}`;
}

function clock({ instant }) {
  const text = instant.slice(11, 19);
  return text.endsWith(":00") ? text.slice(0, 5) : text;
}

function moment(each, pause) {
  const skipped = pausedAt(pause, each.instant);
  const own = times.full(Date.parse(each.instant), times.ownZone());
  const title = [`your time: ${own}`, each.note, skipped && "skipped: it is paused"];
  return el(
    "time",
    {
      class: `time ${skipped ? "skipped" : ""} ${each.note ? "noted" : ""}`,
      datetime: each.instant,
      title: title.filter(Boolean).join("\n"),
    },
    clock(each),
    each.note && icon("alert"),
    skipped && el("span", { class: "unseen" }, " skipped: it is paused"),
    each.note && el("span", { class: "unseen" }, ` ${each.note}`),
  );
}

function heat(hours, pause, today) {
  const most = Math.max(...hours.map((each) => each.total));
  const known = new Map(hours.map((each) => [each.hour, each.total]));
  const lines = [];
  for (let number = 0; number < HOURLY_DAYS; number += 1) {
    const date = new Date(Date.parse(today) + number * DAY).toISOString().slice(0, 10);
    const cells = Array.from({ length: 24 }, (_, hour) => {
      const key = `${date}T${String(hour).padStart(2, "0")}`;
      return square(key, known.get(key) ?? 0, most);
    });
    const name = times.longDay(date);
    lines.push(row({}, el("th", { role: "rowheader", scope: "row" },
      el("span", { class: "long" }, name), el("abbr", { title: name }, times.day(Date.parse(date), "UTC", Date.parse(today)))), ...cells));
  }
  const heads = ["Day", ...Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"))];
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Launches by the hour" },
    table({ class: `heat ${pause ? "paused" : ""}`, "aria-labelledby": "coming" }, heads, lines));
}

function square(key, total, most) {
  const title = `${key.slice(11)}:00 to ${key.slice(11)}:59: ${count(total, "instant")}`;
  const attributes = { role: "cell", class: total ? "" : "free", title };
  return el("td", { ...attributes, vars: { "--part": total / most } },
    total ? compact(total) : el("span", { class: "unseen" }, "0"));
}

function compact(total) {
  return total >= 1000 ? `${Math.round(total / 100) / 10}k` : String(total);
}
