/** The server's API, asked as whoever has signed in: the browser sends the session by itself. */

const API = "/api/v1";
/** The newest answer of each address: who asks again can tell by `===` that nothing has changed. */
const answers = new Map();

/** What the server says is wrong, in words for people, and what to do about it. */
export class Problem extends Error {
  constructor(status, detail, hint = "") {
    super(detail);
    this.status = status;
    this.hint = hint;
  }
}

/** Ask for *path*; the browser itself asks only whether what it has is still right. */
export async function get(path) {
  const response = await ask("GET", path);
  const tag = response.headers.get("etag");
  const known = answers.get(path);
  if (known && tag && known.tag === tag) return known.data;
  const data = await response.json();
  answers.set(path, { tag, data });
  return data;
}

/** Ask for all pages of a list; *seen* is called with all items so far after each of them. */
export async function all(path, seen = () => {}) {
  const items = [];
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=200${more}`);
    items.push(...page.items);
    cursor = page.next;
    seen(items, cursor === null);
  } while (cursor);
  return items;
}

/** Change something; returns what the server answers, null where that is nothing. */
export async function send(method, path, body) {
  const response = await ask(method, path, body);
  return response.status === 204 ? null : response.json();
}

/** Forget every answer: they were for somebody who has signed out. */
export function forget() {
  answers.clear();
}

/** An address from its parts, whatever characters they hold. */
export function at(...parts) {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

async function ask(method, path, body) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(API + path, {
      method,
      headers: { Accept: "application/json", ...json },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Problem(0, "the server does not answer", "look at your connection, then try again");
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function problem(response) {
  const said = await response.json().catch(() => ({}));
  return new Problem(
    response.status,
    said.detail ?? `the server answers with ${response.status}`,
    said.hint,
  );
}
