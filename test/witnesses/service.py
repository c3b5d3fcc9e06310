"""A witness of PyPI's witness-log behind HTTP, on loopback, for test/witnesses/run.ts.

Arguments: port, name, seed byte, state file, file with the log's origin and vkey on a line each.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import witness_log

port, name, seed, state, log_file = sys.argv[1:6]
if not Path(state).exists():
    witness_log.WitnessService.create_state(state)
service = witness_log.WitnessService.new(name, bytes([int(seed)]) * 32, state)
origin, vkey = Path(log_file).read_text().splitlines()
service.add_log(origin, vkey)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, kind, answer = service.handle_add_checkpoint_http(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", int(port)), Handler)
print(f"{server.server_port} {service.vkey()}", flush=True)
server.serve_forever()
