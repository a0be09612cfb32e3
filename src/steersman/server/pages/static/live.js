/** Keeps a page as things are: looks again when the server says so, and now and then. */

import { silence } from "./parts/notices.js";
import { clock, ownZone } from "./times.js";

const OFTEN = 1000;

/**
 * Call *look* again and again while somebody can see the page: every *seconds*, and soon after an
 * event of *project*, if one is named. It stops when *signal* is aborted.
 * @param {() => Promise<void>} look
 * @param {{seconds?: number, project?: string, signal: AbortSignal, failed: (error: Error) => void}} options
 */
export function live(look, { seconds = 20, project, signal, failed }) {
  let source = null;
  let due;
  let looking = false;
  let last = Date.now();
  let soon = false;

  async function now() {
    clearTimeout(due);
    soon = false;
    if (looking || signal.aborted) return;
    looking = true;
    try {
      await look();
      last = Date.now();
      silence(null);
    } catch (error) {
      // What is shown stays; the next look may find the server again.
      if (error.status === 401) failed(error);
      else silence(clock(last, ownZone()));
    }
    looking = false;
    wait(seconds * 1000);
  }

  function wait(milliseconds) {
    if (signal.aborted || document.hidden) return;
    clearTimeout(due);
    due = setTimeout(now, milliseconds);
  }

  /** Many things happen at once: they are looked at together, and never later for that. */
  function happened() {
    if (soon) return;
    soon = true;
    wait(OFTEN);
  }

  function listen() {
    if (!project || source) return;
    source = new EventSource(`/api/v1/events?project=${encodeURIComponent(project)}`);
    for (const kind of ["trigger", "run", "declined", "skipped"]) {
      source.addEventListener(kind, happened);
    }
  }

  function rest() {
    source?.close();
    source = null;
    clearTimeout(due);
  }

  function seen() {
    rest();
    if (document.hidden) return;
    listen();
    now();
  }

  document.addEventListener("visibilitychange", seen, { signal });
  signal.addEventListener("abort", () => {
    rest();
    silence(null);
  });
  listen();
  wait(seconds * 1000);
}
