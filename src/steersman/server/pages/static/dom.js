/** Elements from plain data. Text stays text: nothing here, or anywhere, parses markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. In *attributes*, `on` holds listeners by event, `vars` custom properties of CSS,
 * true stands for an attribute without a value; false, null and undefined leave one out.
 * @param {string} tag
 * @param {Object} [attributes]
 * @param {...(Node|string|number|null|Array)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  dress(made, attributes);
  made.append(...nodes(children));
  return made;
}

function dress(made, { on = {}, vars = {}, ...attributes }) {
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  for (const [name, value] of Object.entries(vars)) made.style.setProperty(name, value);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
}

function nodes(children) {
  return children.flat(Infinity).filter((each) => each != null && each !== false);
}

/**
 * Put *children* in the place of whatever *parent* holds. Who is in there with the keyboard stays
 * at the same place, if there is the same thing again.
 */
export function fill(parent, ...children) {
  const before = reachable(parent);
  const number = before.indexOf(document.activeElement);
  parent.replaceChildren(...nodes(children));
  if (number >= 0) {
    const again = reachable(parent)[number];
    if (again?.textContent === before[number].textContent) again.focus({ preventScroll: true });
  }
  return parent;
}

function reachable(parent) {
  return [...parent.querySelectorAll("a, button, input, textarea, summary")];
}

/** A table with its roles said aloud: on a narrow screen its rows are drawn as blocks. */
export function table(attributes, heads, rows) {
  const named = heads.map((each) => el("th", { role: "columnheader", scope: "col" }, each));
  return el(
    "table",
    { role: "table", ...attributes },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, named)),
    el("tbody", { role: "rowgroup" }, rows),
  );
}

/** A row of a table. Each of *cells* is what it holds, or a cell that was made already. */
export function row(attributes, ...cells) {
  const made = cells.map((each) => (isCell(each) ? each : el("td", { role: "cell" }, each)));
  return el("tr", { role: "row", ...attributes }, made);
}

function isCell(each) {
  return each instanceof HTMLTableCellElement;
}

const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 4v4l2.5 2M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l8 5-8 5z",
  skip: "M3.5 3.5L8.5 8l-5 4.5zM12 3.5v9",
  alert: "M8 3v6M8 12.4v.2",
  bell: "M8 2a4 4 0 0 0-4 4c0 3.5-1.3 4.8-1.8 5.5h11.6C13.3 10.8 12 9.5 12 6a4 4 0 0 0-4-4M6.7 14h2.6",
  turn: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  dots: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  end: "M4 8h8",
  past: "M8 4.5V8l2.2 1.6M2.5 8a5.5 5.5 0 1 0 1.7-4M2.5 2v3h3",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9M10.4 10.4l3.1 3.1",
  wheel:
    "M8 4a4 4 0 1 0 0 8 4 4 0 1 0 0-8M8 1v5M8 10v5M1 8h5M10 8h5M3 3l3.6 3.6M9.4 9.4L13 13M13 3L9.4 6.6M6.6 9.4L3 13",
};

/** A small drawing that means nothing to who cannot see it: words stand beside it. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 16 16");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}
