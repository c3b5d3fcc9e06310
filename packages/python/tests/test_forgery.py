"""What a log that lies is told from, by its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest

from sealtrail import AuditLogger, SealtrailError
from sealtrail._http import SignedHttp

Edit = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def lying(server: dict[str, str]) -> Iterator[Callable[[Edit], str]]:
    """Puts something between the client and the log that edits its answers."""
    proxies: list[ThreadingHTTPServer] = []

    def start(edit: Edit) -> str:
        onward = SignedHttp(server["endpoint"], region="us-east-1")

        class Proxy(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))) or None
                names = ("idempotency-key", "prefer", "content-type")
                headers = {name: self.headers[name] for name in names if name in self.headers}
                path, _, query = self.path.partition("?")
                pairs = dict(one.split("=") for one in query.split("&") if one)
                answer = onward.send(path, method=self.command, query=pairs, body=body, headers=headers)
                value = answer.json()
                edit(path, value)
                self.send_response(answer.status)
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        proxies.append(proxy)
        return f"http://127.0.0.1:{proxy.server_port}"

    yield start
    for proxy in proxies:
        proxy.shutdown()
        proxy.server_close()


def _edit_line(receipt: dict[str, Any]) -> None:
    receipt["lines"][0] = receipt["lines"][0].replace("alice", "mallory")


def _move(receipt: dict[str, Any]) -> None:
    receipt["first"] += 1
    for event in receipt["events"]:
        event["seq"] += 1


_LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a line that was altered": _edit_line,
    "another place": _move,
    "a hash of something else": lambda one: one["events"][0].update(hash="0" * 64),
    "a checkpoint with an altered size": lambda one: one.update(checkpoint=one["checkpoint"].replace("\n1\n", "\n2\n")),
    "a checkpoint without its signature": lambda one: one.update(checkpoint=one["checkpoint"].split("\n\n")[0] + "\n\n"),
    "a proof too long": lambda one: one["proof"].append(one["checkpoint"].split("\n")[2]),
    "no lines": lambda one: one.pop("lines"),
    "no checkpoint": lambda one: one.pop("checkpoint"),
    "another trail": lambda one: one.update(trail="other"),
    "fewer events": lambda one: one.update(count=0),
    "no receipt": lambda one: one.clear(),
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_receipt_that_lies_is_an_alarm(lying: Callable[[Edit], str], lie: str, tmp_path: Path) -> None:
    def edit(path: str, value: dict[str, Any]) -> None:
        if path.endswith("/events"):
            _LIES[lie](value)

    alarms: list[SealtrailError] = []
    trail = f"py-lie-{abs(hash((lie, str(tmp_path)))):x}"
    with AuditLogger(trail, endpoint=lying(edit), region="us-east-1", spool=tmp_path, on_alarm=alarms.append) as audit:
        handle = audit.log("a.b", actor="alice")
        with pytest.raises(SealtrailError):
            handle.result(20)
    assert [one.code in ("proof_mismatch", "bad_signature", "malformed_record") for one in alarms] == [True]
    assert [file.name[:8] for file in tmp_path.iterdir()] == ["refused-"], "what was sent is kept beside"
