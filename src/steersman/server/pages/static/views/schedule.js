/** One schedule: what it is, what it may be told, what comes, and what became of each instant. */

import { at, get } from "../api.js";
import { el, fill, icon } from "../dom.js";
import { live } from "../live.js";
import { away, badge, time } from "../parts/pieces.js";
import { lately, last } from "../parts/results.js";
import { alarming, count, sentence, standing } from "../wording.js";
import { actions } from "./actions.js";
import { calendar } from "./calendar.js";
import { ledger } from "./ledger.js";

/** Show the page. */
export async function show(main, { params: [project, name], signal, failed }) {
  const address = at("projects", project, "schedules", name);
  const places = { head: el("div"), facts: el("div"), calendar: el("div"), rules: el("div") };
  let known = null;
  let drawn = null;
  const book = ledger(address, () => known);

  async function look() {
    const found = await get(`${address}/overview`);
    if (signal.aborted) return;
    const changed = found !== known;
    known = found;
    if (changed) {
      fill(places.head, head(known, () => look()));
      fill(places.facts, facts(known));
      fill(places.rules, rules(known));
    }
    const [coming] = await Promise.all([get(`${address}/calendar`), book.look()]);
    if (signal.aborted || (coming === drawn && !changed)) return;
    drawn = coming;
    fill(places.calendar, calendar(coming, known.pause));
  }

  await look();
  fill(
    main,
    places.head,
    places.facts,
    el("div", { class: "columns" },
      el("div", {}, places.calendar, book.whole),
      el("aside", { "aria-label": "About this schedule" }, places.rules, book.asking)),
  );
  live(look, { project, signal, failed });
  return `${name} · ${project}`;
}

function head(schedule, changed) {
  const { project, name, words, timezone, spec } = schedule;
  return el(
    "header",
    { class: "page-head" },
    el("nav", { class: "crumbs", "aria-label": "Where you are" },
      el("a", { href: "/schedules" }, "Schedules"),
      el("a", { href: at("projects", project, "schedules") }, project),
      el("span", { "aria-current": "page" }, name)),
    el("div", { class: "title" }, el("h1", {}, name), badge(standing(schedule))),
    el("p", { class: "words" }, sentence(words), el("span", {}, ` in ${timezone}`),
      el("code", { title: "as it is written" }, spec.cron)),
    actions(schedule, changed),
    schedule.pause && paused(schedule),
    alarms(schedule),
  );
}

/** What is wrong with it just now; that it stopped by itself is said by its pause. */
function alarms({ alarms: all, pause, timezone }) {
  const shown = all.filter(({ what }) => what !== "stopped" || !pause);
  if (!shown.length) return null;
  return el(
    "div",
    { class: "banner" },
    icon("bell"),
    el("ul", { "aria-label": "Alarms" }, shown.map((each) => el("li", {},
      el("strong", {}, alarming(each)),
      " since ", time(each.raised, timezone),
      each.instant && [", the instant of ", time(each.instant, timezone)],
      each.message && `: ${each.message}`))),
  );
}

function paused({ pause, timezone }) {
  const stopped = pause.by === "steersman";
  return el(
    "div",
    { class: `banner ${stopped ? "bad" : ""}` },
    icon("pause"),
    el("p", {},
      el("strong", {}, stopped ? "It stopped by itself" : `Paused by ${pause.by}`),
      " since ", time(pause.since, timezone),
      pause.until ? [" until ", time(pause.until, timezone)] : ", until somebody resumes it",
      pause.reason && [": ", el("q", {}, pause.reason)],
      el("small", {}, "What comes meanwhile is skipped, never missed.")),
  );
}

function facts(schedule) {
  const { next, pause, timezone, last_success: success, failures, successes } = schedule;
  const coming = next && !pause
    ? [away(next, timezone), el("small", {}, time(next, timezone))]
    : [el("span", { class: "off" }, pause ? "paused" : "never again"), el("small", {}, "")];
  const good = success
    ? [away(success, timezone), el("small", {}, time(success, timezone))]
    : [el("span", { class: "off" }, "none yet"), el("small", {}, "")];
  const counted = failures
    ? [el("span", { class: "bad" }, String(failures)), el("small", {}, "since the last success")]
    : [el("span", {}, "0"), el("small", {}, `${count(successes, "success")} so far`)];
  const shown = [
    ["Next", coming],
    ["Last", last(schedule)],
    ["Last success", good],
    ["Failures in a row", counted],
    ["Lately", [lately(schedule), el("small", {}, "the newest at the right")]],
  ];
  return el("dl", { class: "facts panel" }, shown.map(([term, content]) =>
    el("div", {}, el("dt", {}, term), el("dd", {}, content))));
}

function rules({ rules: sentences, target, spec, file_of: file, by }) {
  const branch = spec.branch ? ["the branch ", el("b", {}, spec.branch)] : "the default branch";
  const origin = file
    ? ["Written in the pipeline file of ", el("b", {}, file), ": change it there."]
    : ["Made by ", el("b", {}, by || "somebody"), ", by API."];
  return el(
    "section",
    { class: "panel", "aria-labelledby": "rules" },
    el("h2", { id: "rules" }, "Its rules"),
    el("ul", { class: "rules" },
      el("li", {}, "It starts ", el("b", {}, target), " on the newest commit of ", branch, "."),
      sentences.map((each) => el("li", {}, each)),
      el("li", {}, origin)),
  );
}
