/** Questions that are asked before something is done. */

import { el, fill, icon } from "../dom.js";
import { button, words } from "./pieces.js";

let number = 0;

/** A field with its label, and a hint below it. */
export function field(label, attributes, { hint, area = false } = {}) {
  const id = `field-${(number += 1)}`;
  const input = el(area ? "textarea" : "input", {
    id,
    "aria-describedby": hint && `${id}-hint`,
    ...attributes,
  });
  const whole = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label, !attributes.required && el("small", {}, " optional")),
    input,
    hint && el("p", { class: "hint", id: `${id}-hint` }, hint),
  );
  return { whole, input };
}

/**
 * Ask in a dialog. *act* does what the form says; where it fails the dialog stays, and says why.
 * @param {{title: string, body: Array, action: string, kind?: string, act: Function}} question
 * @returns {{dialog: HTMLDialogElement, submit: HTMLButtonElement}}
 */
export function ask({ title, body, action, kind = "primary", act }) {
  const id = `dialog-${(number += 1)}`;
  const wrong = el("div", { class: "wrong", role: "alert" });
  const submit = el("button", { type: "submit", class: `button ${kind}` }, action);
  const form = el(
    "form",
    { method: "dialog", on: { submit: tried } },
    el(
      "header",
      {},
      el("h2", { id }, title),
      el(
        "button",
        { type: "button", class: "close", "aria-label": "Close", on: { click: close } },
        icon("cross"),
      ),
    ),
    el("div", { class: "body" }, body, wrong),
    el("footer", {}, button("Cancel", close), submit),
  );
  const opener = document.activeElement;
  const dialog = el("dialog", { "aria-labelledby": id, on: { close: closed } }, form);

  function close() {
    dialog.close();
  }

  function closed() {
    dialog.remove();
    back(opener);
  }

  async function tried(event) {
    event.preventDefault();
    submit.disabled = true;
    fill(wrong);
    try {
      if ((await act()) !== false) close();
    } catch (error) {
      tell(wrong, error);
    }
    submit.disabled = false;
  }

  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector("input, textarea") ?? submit).focus();
  return { dialog, submit, wrong };
}

/** Go on where the dialog was opened, or at what is there now instead. */
function back(opener) {
  const here = [...document.querySelectorAll("main button, main h1")];
  const same = here.find((each) => each.textContent === opener.textContent) ?? here[0];
  const place = opener.isConnected ? opener : same;
  if (place?.matches("h1")) place.tabIndex = -1;
  place?.focus({ preventScroll: true });
}

/** Say in a form why something was not done. */
export function tell(place, error) {
  fill(place, words(error));
}
