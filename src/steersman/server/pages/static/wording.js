/** What the states of schedules and of their instants are called, and how they look. Pure. */

/** By outcome of what was launched, else by the state of the instant: tone, icon, word. */
const RESULTS = {
  succeeded: ["good", "check", "succeeded"],
  failed: ["bad", "cross", "failed"],
  lost: ["bad", "alert", "lost"],
  unknown: ["idle", "end", "ended unseen"],
  running: ["live", "play", "running"],
  fired: ["live", "play", "launched"],
  planned: ["idle", "clock", "waiting"],
  claimed: ["live", "play", "starting"],
  skipped: ["idle", "skip", "skipped"],
  missed: ["warn", "alert", "missed"],
};

const REASONS = {
  due: "its time had come",
  "caught-up": "caught up",
  asked: "asked for",
  overlap: "an earlier run went on",
  superseded: "a newer instant took its place",
  "buffer-full": "too many were waiting",
  paused: "paused",
  "not-caught-up": "no server ran, and it was not caught up",
  "too-late": "too late",
  refused: "refused",
  removed: "the schedule was removed",
};

/** By kind of alarm: how a schedule stands because of it, and what it is called. */
const ALARMS = {
  missed: ["missed", "Missed"],
  late: ["late", "Late"],
  "running-too-long": ["runs too long", "Runs too long"],
  "no-success": ["no success", "No success for too long"],
  stopped: ["stopped", "Stopped by itself"],
};

const KINDS = { manual: "by hand", backfill: "backfill" };

/** Late by more than this is worth a word, in seconds. */
const LATE = 2;

/** How an instant of the ledger went. */
export function result(instant) {
  const key = instant.state === "fired" ? instant.outcome ?? "fired" : instant.state;
  const [tone, icon, word] = RESULTS[key] ?? ["idle", "dots", key];
  return { tone, icon, word };
}

/** Why an instant is what it is, in few words. */
export function reason(instant) {
  const kind = KINDS[instant.kind];
  if (kind) return instant.by ? `${kind}, asked for by ${instant.by}` : kind;
  return REASONS[instant.reason] ?? instant.reason;
}

/** By how many seconds an instant was late, null where that is not worth a word. */
export function lateness(instant) {
  if (!instant.launched && instant.late == null) return null;
  const late = instant.late ?? (Date.parse(instant.launched) - Date.parse(instant.due)) / 1000;
  return late >= LATE ? late : null;
}

/** How a schedule stands: tone, icon, word; `care` where somebody should look at it. */
export function standing(schedule) {
  const said = (tone, icon, word, care = false) => ({ tone, icon, word, care });
  const { alarms, pause, failures, next, recent } = schedule;
  const [alarm] = alarms;
  if (pause?.by === "steersman") return said("bad", "pause", "stopped", true);
  if (pause) return said("idle", "pause", "paused", Boolean(alarm));
  if (failures > 1) return said("bad", "cross", `failed ${failures} times`, true);
  if (failures) return said("bad", "cross", "failed", true);
  const last = recent.find((each) => each.kind === "scheduled");
  if (last?.state === "missed") return said("warn", "alert", "missed", true);
  if (last?.outcome === "lost") return said("bad", "alert", "lost", true);
  if (last?.outcome === "failed") return said("bad", "cross", "failed", true);
  if (alarm) return said("warn", "alert", ALARMS[alarm.what]?.[0] ?? alarm.what, true);
  if (next === null) return said("idle", "end", "over");
  if (!recent.length) return said("idle", "clock", "new");
  return said("good", "check", "on time");
}

/** What an alarm is called. */
export function alarming({ what }) {
  return ALARMS[what]?.[1] ?? sentence(what);
}

/** How many of the newest instants were missed; one row may stand for many. */
export function missed(schedule) {
  return schedule.recent
    .filter((each) => each.state === "missed")
    .reduce((sum, each) => sum + each.covers, 0);
}

/** Whether a pause covers an instant. */
export function pausedAt(pause, instant) {
  return Boolean(pause) && (!pause.until || Date.parse(instant) < Date.parse(pause.until));
}

/** `1 schedule`, `2 schedules`, `3 launches`. */
export function count(number, noun) {
  const ending = /(?:s|ch)$/.test(noun) ? "es" : "s";
  return `${number.toLocaleString("en-GB")} ${noun}${number === 1 ? "" : ending}`;
}

/** A sentence begins with a capital letter. */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
