/** Where the pages begin: which page an address means, and who looks at it. */

import { Problem, get } from "./api.js";
import { fill } from "./dom.js";
import { notice } from "./parts/notices.js";
import { loading, tick, trouble } from "./parts/pieces.js";
import { header } from "./parts/shell.js";

/** Addresses with their pages: what is caught in parentheses is given to the page. */
const ROUTES = [
  [/^\/sign-in$/, () => import("./views/sign-in.js")],
  [/^\/(?:schedules)?$/, () => import("./views/schedules.js")],
  [/^\/projects\/([^/]+)\/schedules$/, () => import("./views/schedules.js")],
  [/^\/projects\/([^/]+)\/schedules\/([^/]+)$/, () => import("./views/schedule.js")],
  [/^\/(.*)$/, () => import("./views/missing.js")],
];

const main = document.getElementById("main");
let me = null;
let leaving = new AbortController();
let shown = "";

/** Go to another page of ours. */
export function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  return show();
}

/** Show the page that the address means. */
async function show({ first = false } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  shown = location.pathname + location.search;
  const open = location.pathname === "/sign-in";
  fill(main, loading("the page"));
  try {
    const [load, params] = found(location.pathname);
    if (!open) me ??= await get("/me");
    header(open ? null : me, signOut);
    const page = await load();
    if (signal.aborted) return;
    const title = await page.show(main, { params, me, go, signal, began, failed });
    if (signal.aborted) return;
    document.title = `${title} · Steersman`;
    if (!first) arrive();
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

function found(path) {
  for (const [pattern, load] of ROUTES) {
    const match = pattern.exec(path);
    if (match) return [load, match.slice(1).map(decodeURIComponent)];
  }
  return null;
}

/** Somebody has signed in. */
function began() {
  me = null;
}

function signOut() {
  me = null;
  go("/sign-in");
  notice("You have signed out.");
}

/** Let those who listen or use the keyboard begin where the new page does. */
function arrive() {
  window.scrollTo(0, 0);
  const title = main.querySelector("h1") ?? main;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

function failed(error) {
  if (!(error instanceof Problem)) console.error(error);
  if (error.status === 401) {
    const back = location.pathname === "/" ? "" : `?next=${encodeURIComponent(location.pathname)}`;
    if (me) notice("Your session is over: sign in again.", "warn");
    me = null;
    go(`/sign-in${back}`, { replace: true });
    return;
  }
  fill(main, trouble(error, () => show()));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  const plain = !event.defaultPrevented && event.button === 0;
  const changed = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || !plain || changed || link.target || link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
window.addEventListener("popstate", () => {
  // A place within the page is no other page.
  if (shown !== location.pathname + location.search) show();
});
setInterval(tick, 1000);
show({ first: true });
