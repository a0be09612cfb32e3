/** Times in words. All of it is pure: what time it is, and in which zone, are arguments. */

const formats = new Map();

function format(zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, made(zone, options));
  return formats.get(key);
}

function made(zone, options) {
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
  } catch {
    // The server may know zones that this browser has not heard of.
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
  }
}

/** The zone of whoever looks. */
export function ownZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `03:00`, or `03:00:30` where the seconds matter. */
export function clock(instant, zone) {
  const text = format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" })
    .format(instant);
  return text.endsWith(":00") ? text.slice(0, -3) : text;
}

/** The date as `2026-11-28`. */
export function date(instant, zone) {
  const parts = format(zone, { year: "numeric", month: "2-digit", day: "2-digit" })
    .formatToParts(instant);
  const of = (type) => parts.find((each) => each.type === type).value;
  return `${of("year")}-${of("month")}-${of("day")}`;
}

/** `today`, `tomorrow`, `yesterday`, `Mon 30 Nov`, or with its year when that is another one. */
export function day(instant, zone, now) {
  const apart = Math.round((Date.parse(date(instant, zone)) - Date.parse(date(now, zone))) / 864e5);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[apart];
  if (near) return near;
  const other = date(instant, zone).slice(0, 4) !== date(now, zone).slice(0, 4);
  const options = { weekday: "short", day: "numeric", month: "short" };
  if (other) options.year = "numeric";
  return format(zone, options).format(instant).replace(",", "");
}

/** `Monday 30 November` of a date such as `2026-11-30`. */
export function longDay(text) {
  const options = { weekday: "long", day: "numeric", month: "long" };
  return format("UTC", options).format(Date.parse(text)).replace(",", "");
}

/** All of it: `Mon, 30 Nov 2026, 03:00:00 CET (Europe/Berlin)`. */
export function full(instant, zone) {
  const options = {
    weekday: "short", day: "numeric", month: "short", year: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  };
  return `${format(zone, options).format(instant)} (${zone})`;
}

/** `4 s`, `12 min`, `3 h 5 min`, `2 days`: the two largest units say enough. */
export function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
  const days = Math.floor(hours / 24);
  const rest = days < 3 && hours % 24 ? ` ${hours % 24} h` : "";
  return `${days} ${days === 1 ? "day" : "days"}${rest}`;
}

/** `in 3 h 5 min`, `12 s ago`, `now`. */
export function relative(instant, now) {
  const seconds = (instant - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(-seconds)} ago`;
}

/** What a field of a form takes and gives: `2026-11-28T03:00` as clocks of *zone* show it. */
export function toLocal(instant, zone) {
  return `${date(instant, zone)}T${clock(instant, zone).slice(0, 5)}`;
}

/**
 * The instant at which clocks of *zone* show *local*, null where *local* is no time.
 * Of two equal times it is the first; one that does not exist is moved on by what is left out.
 */
export function toInstant(local, zone) {
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall)) return null;
  const offsets = [wall - 864e5, wall + 864e5].map((each) => offset(each, zone));
  const found = offsets.map((each) => wall - each).filter((each) => shows(each, zone, wall));
  return found.length ? Math.min(...found) : wall - offsets[0];
}

/** A time that a form of *zone* gives, as the API takes it; what is no time is for it to refuse. */
export function stamp(local, zone) {
  const instant = toInstant(local, zone);
  return instant === null ? local : new Date(instant).toISOString();
}

function shows(instant, zone, wall) {
  return instant + offset(instant, zone) === wall;
}

function offset(instant, zone) {
  const whole = Math.floor(instant / 1000) * 1000;
  const time = format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(whole);
  return Date.parse(`${date(whole, zone)}T${time}Z`) - whole;
}
