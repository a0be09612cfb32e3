/** An address that has no page yet: there is a command that shows the same. */

import { el, fill } from "../dom.js";

/** Show the page. */
export async function show(main, { params: [path] }) {
  const [kind, ...rest] = path.split("/");
  const shown = rest.join("/");
  const command = kind === "runs" && shown ? `steer show ${shown}` : "steer runs";
  fill(
    main,
    el(
      "section",
      { class: "panel empty" },
      el("h1", {}, kind === "runs" ? `Run ${shown}` : "Nothing is here"),
      el("p", {}, "There is no page for this yet. In a terminal:"),
      el("p", {}, el("code", { class: "command" }, command)),
      el("p", {}, el("a", { href: "/schedules" }, "To the schedules")),
    ),
  );
  return kind === "runs" ? `Run ${shown}` : "Nothing is here";
}
