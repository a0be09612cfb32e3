/** What may be done with a schedule: start it now, pause it, let it go on, fill the past. */

import { at, send } from "../api.js";
import { el } from "../dom.js";
import { ask, field } from "../parts/dialogs.js";
import { notice } from "../parts/notices.js";
import { button } from "../parts/pieces.js";
import * as times from "../times.js";
import { backfill } from "./backfill.js";

const LONGEST = 1000;

/** The buttons; *changed* is called after something was done. */
export function actions(schedule, changed) {
  const { may_trigger: trigger, may_edit: edit, pause } = schedule;
  const address = at("projects", schedule.project, "schedules", schedule.name);
  const why = (allowed, role) =>
    allowed ? {} : { disabled: true, title: `this takes the role ${role} in the project` };
  return el(
    "div",
    { class: "actions" },
    button("Trigger now", () => now(schedule, address, changed),
      { drawing: "play", kind: "primary", ...why(trigger, "developer") }),
    pause
      ? button("Resume", () => resume(schedule, address, changed),
        { drawing: "turn", ...why(edit, "maintainer") })
      : button("Pause", () => halt(schedule, address, changed),
        { drawing: "pause", ...why(edit, "maintainer") }),
    button("Backfill", () => backfill(schedule, address, changed),
      { drawing: "past", ...why(edit, "maintainer") }),
    !edit && el("p", { class: "hint" },
      trigger ? "You may trigger it; the rest takes the role maintainer." : "You may look at it."),
  );
}

function now({ name, target }, address, changed) {
  const reason = field("Reason", { maxlength: LONGEST },
    { hint: "It stands in the ledger, for those who look at it later." });
  ask({
    title: `Trigger ${name} now`,
    body: [
      el("p", {}, "This starts ", el("b", {}, target), " once, besides the schedule's own times."),
      reason.whole,
    ],
    action: "Trigger now",
    act: async () => {
      await send("POST", `${address}/trigger`, given({ reason }));
      notice(`${name} starts now.`);
      await changed();
    },
  });
}

function halt({ name, timezone }, address, changed) {
  const reason = field("Reason", { required: true, maxlength: LONGEST });
  const until = field("Until", { type: "datetime-local" },
    { hint: `In ${timezone}. Without it, until somebody resumes.` });
  ask({
    title: `Pause ${name}`,
    body: [
      el("p", {}, "Nothing is started meanwhile. Its instants are skipped, never missed, and not ",
        "caught up afterwards."),
      reason.whole,
      until.whole,
    ],
    action: "Pause",
    act: async () => {
      const body = given({ reason });
      if (until.input.value) body.until = times.stamp(until.input.value, timezone);
      await send("POST", `${address}/pause`, body);
      notice(`${name} is paused.`);
      await changed();
    },
  });
}

function resume({ name, pause }, address, changed) {
  ask({
    title: `Resume ${name}`,
    body: [
      el("p", {}, "It goes on with its next instant, and its counts of failures and successes ",
        "begin anew."),
      pause.reason && el("p", {}, "It is paused since: ", el("q", {}, pause.reason)),
    ],
    action: "Resume",
    act: async () => {
      await send("POST", `${address}/resume`);
      notice(`${name} goes on.`);
      await changed();
    },
  });
}

function given({ reason }) {
  const text = reason.input.value.trim();
  return text ? { reason: text } : {};
}
