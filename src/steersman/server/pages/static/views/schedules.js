/** All schedules somebody may see: how each stands, when it runs next, and how it went. */

import { all, at } from "../api.js";
import { el, fill, icon, row, table } from "../dom.js";
import { live } from "../live.js";
import { away, badge, button, choices, empty, time } from "../parts/pieces.js";
import { lately, last } from "../parts/results.js";
import { full } from "../times.js";
import { alarming, count, missed, sentence, standing } from "../wording.js";
import { ahead } from "./ahead.js";

/** So many rows are drawn at first, and with each click on "more". */
const STEP = 100;
const HEADS = ["Schedule", "When", "Next", "Last", "Lately"];
const LATER = 8.64e15;

const ORDERS = {
  next: ["Next first", (each) => (each.pause || !each.next ? LATER : Date.parse(each.next))],
  name: ["By name", () => 0],
};

/** Show the page, of one project if *params* names it. */
export async function show(main, { params: [project], signal, failed }) {
  const address = `/schedules/overview${project ? `?project=${encodeURIComponent(project)}` : ""}`;
  const state = { items: [], most: STEP, ...wanted() };
  const parts = frame(project, state, () => draw(parts, state));
  const soon = el("div", { class: "soon" }, el("div", { class: "bone", "aria-hidden": "true" }));
  fill(main, parts.head, soon, parts.tools, parts.list);
  const seen = (items, whole) => {
    if (signal.aborted || (state.whole && (!whole || same(items, state.items)))) return;
    Object.assign(state, { items: [...items], whole });
    draw(parts, state);
  };
  const look = () => all(address, seen);
  await Promise.all([look(), ahead(soon, project)]);
  live(look, { seconds: 15, signal, failed });
  return project ? `Schedules of ${project}` : "Schedules";
}

/** What was looked for is in the address: it is still there after "back", and for who gets it. */
function wanted() {
  const { q: text = "", show: filter = "all", order = "next" } =
    Object.fromEntries(new URLSearchParams(location.search));
  return { text, filter, order: order in ORDERS ? order : "next" };
}

function keep({ text, filter, order }) {
  const said = { q: text, show: filter === "all" ? "" : filter, order: order === "next" ? "" : order };
  const query = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
}

/** What has not changed is the same object again. */
function same(items, others) {
  return items.length === others.length && items.every((each, number) => each === others[number]);
}

function frame(project, state, changed) {
  const set = (values) => {
    Object.assign(state, { most: STEP, ...values });
    keep(state);
    changed();
  };
  const search = el("input", {
    type: "search",
    placeholder: "Find by name, project or target",
    "aria-label": "Find schedules",
    value: state.text,
    on: { input: (event) => set({ text: event.target.value.trim() }) },
  });
  const filters = choices(
    "Show",
    [["all", "All"], ["care", "Need a look"], ["paused", "Paused"]],
    state.filter,
    (filter) => set({ filter }),
  );
  const orders = choices(
    "Order",
    Object.entries(ORDERS).map(([value, [text]]) => [value, text]),
    state.order,
    (order) => set({ order }),
  );
  const total = el("p", { class: "sub", role: "status" });
  const crumbs = project && el(
    "nav",
    { class: "crumbs", "aria-label": "Where you are" },
    el("a", { href: "/schedules" }, "Schedules"),
    el("span", { "aria-current": "page" }, project),
  );
  const head = el(
    "header",
    { class: "page-head" },
    crumbs,
    el("h1", {}, project ? `Schedules of ${project}` : "Schedules"),
    total,
  );
  const tools = el(
    "div",
    { class: "tools" },
    el("div", { class: "search" }, icon("search"), search),
    filters,
    orders,
  );
  return { head, total, tools, list: el("div", { class: "list" }), project };
}

function draw({ total, tools, list, project }, state) {
  const { items, most } = state;
  tools.hidden = items.length < 2;
  fill(total, summary(items, project));
  if (!items.length) {
    fill(list, nothing(project));
    return;
  }
  const found = chosen(state);
  if (!found.length) {
    fill(list, el("p", { class: "panel none" }, "No schedule is like that."));
    return;
  }
  const more = () => {
    state.most += STEP;
    draw({ total, tools, list, project }, state);
  };
  fill(
    list,
    table({ class: "schedules", "aria-label": "Schedules" }, HEADS, found.slice(0, most).map(line)),
    found.length > most && el(
      "p",
      { class: "more" },
      button(`Show more of ${found.length.toLocaleString("en-GB")}`, more),
    ),
  );
}

/** The items that are wanted, in the order that is. */
function chosen({ items, text, filter, order }) {
  const [, key] = ORDERS[order];
  return items
    .filter((each) => filter !== "paused" || each.pause)
    .filter((each) => filter !== "care" || standing(each).care)
    .filter((each) => `${each.project}/${each.name} ${each.target}`.toLowerCase().includes(text.toLowerCase()))
    .map((each) => [key(each), each])
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

function summary(items, project) {
  const care = items.filter((each) => standing(each).care).length;
  const paused = items.filter((each) => each.pause).length;
  const projects = new Set(items.map((each) => each.project)).size;
  const said = [count(items.length, "schedule")];
  if (!project && projects > 1) said[0] += ` in ${count(projects, "project")}`;
  if (paused) said.push(`${paused} paused`);
  if (care) said.push(`${care} ${care === 1 ? "needs" : "need"} a look`);
  return said.join(" · ");
}

function nothing(project) {
  const of = project ?? "PROJECT";
  return empty(
    "Nothing runs by itself yet",
    el("p", {}, "Write ", el("code", {}, "schedules"), " below a workflow or a pipeline in ",
      el("code", {}, "wercker.yml"), " and push, or add one here:"),
    el("p", {}, el("code", { class: "command" },
      `steer schedule add ${of} night build "0 3 * * *"`)),
  );
}

function halted({ by, until }, timezone) {
  if (until) return ["until ", time(until, timezone)];
  return by === "steersman" ? "by itself" : `by ${by}`;
}

/** The oldest alarm that holds, in a sentence; all of them, and since when, on hover. */
function alarmed({ alarms, timezone }) {
  if (!alarms.length) return null;
  const [first, ...more] = alarms;
  const title = alarms
    .map((each) => `${alarming(each)} since ${full(Date.parse(each.raised), timezone)}: ${each.message}`)
    .join("\n");
  const text = sentence(first.message || alarming(first));
  return el("small", { class: "alarm", title }, icon("bell"),
    el("span", {}, more.length ? `${text}, and ${count(more.length, "more alarm")}` : text));
}

function line(schedule) {
  const { project, name, target, timezone, words, next, pause } = schedule;
  const stands = standing(schedule);
  const gone = missed(schedule);
  return row(
    { class: stands.care ? "care" : "" },
    el("th", { role: "rowheader", scope: "row" },
      el("a", { href: at("projects", project, "schedules", name) }, name),
      el("small", {}, `${project} · starts ${target}`),
      alarmed(schedule)),
    [sentence(words), el("small", {}, timezone)],
    pause
      ? [badge(stands), el("small", {}, halted(pause, timezone))]
      : next
        ? [away(next, timezone), el("small", {}, time(next, timezone))]
        : el("span", { class: "off" }, "never again"),
    [last(schedule), gone > 0 && el("small", { class: "warn" }, `${gone} missed`)],
    lately(schedule),
  );
}
