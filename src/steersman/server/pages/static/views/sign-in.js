/** Who are you? By name and password, by a token, or by whom the server asks instead. */

import { get, send } from "../api.js";
import { el, fill, icon } from "../dom.js";
import { field, tell } from "../parts/dialogs.js";

/** Show the page. */
export async function show(main, { go, began }) {
  const { oidc } = await get("/login");
  const goal = next();
  const done = () => {
    began();
    go(goal, { replace: true });
  };
  fill(
    main,
    el(
      "div",
      { class: "sign-in" },
      el("h1", {}, icon("wheel"), "Sign in"),
      oidc && other(oidc.name, goal),
      byPassword(done),
      byToken(done),
    ),
  );
  main.querySelector("input").focus();
  return "Sign in";
}

/** Only a path of ours: nobody is sent elsewhere. */
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(wanted) ? wanted : "/schedules";
}

function other(name, goal) {
  const address = `/api/v1/login/oidc?next=${encodeURIComponent(goal)}`;
  return el(
    "section",
    { class: "panel" },
    el("a", { class: "button primary wide", href: address }, `Sign in with ${name}`),
  );
}

function byPassword(done) {
  const name = field("Name", {
    name: "name", required: true, autocomplete: "username", autocapitalize: "none",
    spellcheck: "false", maxlength: 64,
  });
  const password = field("Password", {
    name: "password", type: "password", required: true, autocomplete: "current-password",
  });
  return form([name, password], "Sign in", done, () =>
    send("POST", "/login", { name: name.input.value, password: password.input.value }),
  );
}

function byToken(done) {
  const token = field(
    "Token",
    { name: "token", type: "password", required: true, autocomplete: "off", maxlength: 200 },
    { hint: "The first one was shown when the server started for the first time." },
  );
  const way = form([token], "Sign in with the token", done, () =>
    send("POST", "/login/token", { token: token.input.value }),
  );
  return el("details", { class: "panel" }, el("summary", {}, "Sign in with a token instead"), way);
}

/** A form that asks the server at once; what it says is told where one looks. */
function form(fields, action, done, sent) {
  const wrong = el("div", { class: "wrong", role: "alert" });
  const submit = el("button", { type: "submit", class: "button primary wide" }, action);
  async function tried(event) {
    event.preventDefault();
    submit.disabled = true;
    fill(wrong);
    try {
      await sent();
      done();
    } catch (error) {
      tell(wrong, error);
      fields.at(-1).input.select();
    }
    submit.disabled = false;
  }
  const whole = fields.map((each) => each.whole);
  return el("form", { class: "panel", on: { submit: tried } }, whole, wrong, submit);
}
