"""A server on the loopback, for cases that really speak to one."""

from __future__ import annotations

# Writes down what it is asked, and answers as it is told.
SERVER = """\
import http.server, json, os, signal
signal.alarm(300)
class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(os.environ["CASE"] + "/asked", "ab") as file:
            login = self.headers["Authorization"]
            line = [self.path, self.headers["Content-Type"], login, body.decode()]
            file.write(json.dumps(line).encode() + b"\\n")
        self.send_response(int(os.environ.get("STATUS", "201")))
        self.end_headers()
        self.wfile.write(os.environ.get("ANSWER", "ok").encode())
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
"""
SERVES = (
    'mkfifo "$CASE/port"; python3 "$CASE/source/serve.py" >"$CASE/port" &\n'
    'read -r port <"$CASE/port"\n'
    'export GITHUB_API_URL="http://127.0.0.1:$port" GITHUB_UPLOADS_URL="http://127.0.0.1:$port"\n'
)
SERVED = {"serve.py": SERVER}
ENDS = "kill $!; wait 2>/dev/null"
