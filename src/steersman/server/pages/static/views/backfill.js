/** Filling the past: first what that would be, then, and only for that, the doing. */

import { send } from "../api.js";
import { el, fill } from "../dom.js";
import { ask, field } from "../parts/dialogs.js";
import { notice } from "../parts/notices.js";
import { time } from "../parts/pieces.js";
import * as times from "../times.js";
import { count } from "../wording.js";

const DAY = 864e5;
const SHOWN = 60;

/** Ask for a range, show what it holds, and launch that; *changed* is called afterwards. */
export function backfill(schedule, address, changed) {
  const { name, timezone } = schedule;
  const now = Date.now();
  const since = field("From", {
    type: "datetime-local", required: true, value: times.toLocal(now - DAY, timezone),
  });
  const until = field("To", {
    type: "datetime-local", required: true, value: times.toLocal(now, timezone),
  }, { hint: `Both count, in ${timezone}.` });
  const reason = field("Reason", { maxlength: 1000 });
  const result = el("div", { class: "dry-run", role: "status" });
  let tried = null;

  const asked = () => ({
    since: times.stamp(since.input.value, timezone),
    // What comes after the look is not part of what was looked at.
    until: new Date(Math.min(Date.parse(times.stamp(until.input.value, timezone)), Date.now()))
      .toISOString(),
  });

  function again() {
    tried = null;
    fill(result);
    submit.textContent = "See what it would launch";
  }

  async function act() {
    const why = reason.input.value.trim();
    if (tried === null) {
      const body = asked();
      const found = await send("POST", `${address}/backfill`, { ...body, dry_run: true });
      fill(result, preview(found, timezone));
      if (found.instants.length) {
        tried = body;
        submit.textContent = `Launch ${count(found.instants.length, "instant")}`;
      }
      return false;
    }
    const done = await send("POST", `${address}/backfill`, why ? { ...tried, reason: why } : tried);
    notice(`${count(done.instants.length, "instant")} of ${name} will be launched.`);
    await changed();
    return true;
  }

  for (const { input } of [since, until]) input.addEventListener("input", again);
  const { submit } = ask({
    title: `Backfill ${name}`,
    body: [
      el("p", {}, "This launches the schedule's instants of the past, each of them once. ",
        "First look at which those are."),
      el("div", { class: "pair" }, since.whole, until.whole),
      reason.whole,
      result,
    ],
    action: "See what it would launch",
    act,
  });
}

function preview({ instants, planned }, zone) {
  const before = planned - instants.length;
  if (!instants.length) {
    const text = planned ? "All of these instants were filled before." : "No instant is in there.";
    return el("p", {}, el("strong", {}, "Nothing would be launched. "), text);
  }
  return [
    el("p", {}, el("strong", {}, `${count(instants.length, "instant")} would be launched`),
      before > 0 && `, ${before} of the range ${before === 1 ? "was" : "were"} filled before`),
    el("ul", { class: "instants" },
      instants.slice(0, SHOWN).map((each) => el("li", {}, time(each, zone))),
      instants.length > SHOWN && el("li", {}, `and ${instants.length - SHOWN} more`)),
  ];
}
