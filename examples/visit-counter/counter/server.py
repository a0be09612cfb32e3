"""The web service: GET /page answers how often /page was visited."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from counter.stores import Store, open_store


def handler_for(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{store.add(self.path)}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            print(f"{self.command} {self.path}", flush=True)

    return Handler


def main() -> None:
    store = open_store(os.environ.get("COUNTER_STORE", "memory:"))
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("127.0.0.1", port), handler_for(store)).serve_forever()


if __name__ == "__main__":
    main()
