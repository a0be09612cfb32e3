/** The next 24 hours at a glance: how many launches fall into each. */

import { get } from "../api.js";
import { el, fill } from "../dom.js";
import * as times from "../times.js";
import { count } from "../wording.js";

const HOUR = 3600e3;

/** Draw into *place* what comes, of one project or of all; nothing where nothing does. */
export async function ahead(place, project) {
  const query = project ? `?project=${encodeURIComponent(project)}` : "";
  const found = await get(`/schedules/forecast${query}`).catch((error) => {
    // There may be too many to be counted: the list itself does without this.
    if (error.status === 401) throw error;
    return null;
  });
  if (!found?.launches) {
    fill(place);
    return;
  }
  const since = Math.floor(Date.parse(found.since) / HOUR) * HOUR;
  const known = new Map(found.hours.map((each) => [Date.parse(each.hour), each.launches]));
  const hours = Array.from({ length: 25 }, (_, number) => since + number * HOUR);
  const most = Math.max(...known.values());
  fill(
    place,
    el(
      "section",
      { class: "panel ahead", "aria-labelledby": "ahead" },
      el("h2", { id: "ahead" }, "The next 24 hours"),
      el("p", { class: "sub" }, `${count(found.launches, "launch")}, hours in your time`),
      el("ol", { class: "bars" }, hours.map((each) => bar(each, known.get(each) ?? 0, most))),
    ),
  );
}

function bar(hour, launches, most) {
  const at = times.clock(hour, times.ownZone());
  const words = `${at}: ${count(launches, "launch")}`;
  return el(
    "li",
    { title: words },
    el("i", { class: "bar", vars: { "--part": launches / most }, "aria-hidden": "true" }),
    el("span", { class: "unseen" }, words),
    el("b", { "aria-hidden": "true" }, at.slice(0, 2)),
  );
}
