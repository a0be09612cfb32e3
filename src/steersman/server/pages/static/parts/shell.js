/** What stands around every page: whose it is, where one can go, and how to leave. */

import { forget, send } from "../api.js";
import { el, fill, icon } from "../dom.js";
import { button } from "./pieces.js";

/** The places that have pages, in the order of the navigation: address, name. */
const PLACES = [["/schedules", "Schedules"]];

/** Draw the header for *me*, null for nobody; *leave* is called after signing out. */
export function header(me, leave) {
  const places = PLACES.map(([address, name]) => {
    const here = me && location.pathname.includes(address);
    return el("a", { href: address, "aria-current": here ? "page" : null }, name);
  });
  fill(
    document.getElementById("top"),
    el("a", { class: "brand", href: "/" }, icon("wheel"), el("span", {}, "Steersman")),
    me && el("nav", { "aria-label": "Main" }, places),
    me && person(me, leave),
  );
}

function person(me, leave) {
  const out = async () => {
    // Where the session is over already, that is as well.
    await send("POST", "/logout").catch(() => {});
    forget();
    leave();
  };
  const role = me.admin ? el("small", {}, "admin") : null;
  return el(
    "div",
    { class: "person" },
    el("span", { class: "name" }, el("span", { class: "unseen" }, "Signed in as "), me.name, role),
    button("Sign out", out, { kind: "quiet" }),
  );
}
