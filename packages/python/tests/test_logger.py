"""The logger against a log that test/python/run.ts serves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from sealtrail import AuditLogger, SealtrailError, check_proof
from sealtrail._spool import Batch, open_lane


@pytest.fixture
def trail() -> str:
    """A trail of the test's own."""
    return f"py-{uuid.uuid4().hex[:12]}"


def test_events_are_in_the_log_once_in_order_and_proven(server: dict[str, str], trail: str, tmp_path: Path) -> None:
    with AuditLogger(trail, **server, spool=tmp_path, context={"tenant": "acme"}) as audit:
        with audit.context(request="r-1", actor="alice"):
            handles = [audit.log("invoice.paid", details={"n": n}) for n in range(250)]
        landed = audit.log_and_wait("data.export", actor={"id": "bob", "ip": "192.0.2.1"})
        assert [handle.result(10).seq for handle in handles] == list(range(250))  # type: ignore[union-attr]
        assert landed.seq == 250
        found = list(audit.reader.query(tenant="acme", request="r-1", order="oldest", limit=100))
        assert [record.event["details"]["n"] for record in found] == list(range(250))
        assert audit.reader.recent(1)[0].seq == 250
        assert audit.reader.summary(type="invoice.paid")["total"] == 250
        assert audit.reader.activity("alice")["total"] == 250
        record = audit.reader.record(7)
        assert record.event["actor"] == {"id": "alice"}
        line = audit._http.send(f"/v1/trails/{trail}/events", query={"seq": "7", "format": "ndjson"}).body.rstrip(b"\n")
        keys = [one for one, _ in audit._outbox._delivery._keys or ()]
        proven, checkpoint = check_proof(line, audit.reader.proof(7), lambda origin, size: keys)
        assert proven == record
        assert checkpoint.size >= 251
    assert list(tmp_path.iterdir()) == []


def test_the_calls_of_the_source_systems(server: dict[str, str], trail: str) -> None:
    with AuditLogger(trail, **server) as audit:
        audit.auth("login", actor="alice")
        audit.auth("login_failed", actor="alice")
        audit.data("update", resource={"type": "user", "id": "7"}, before={"plan": "a"}, after={"plan": "b"})
        audit.security("ip_blocked", details={"ip": "192.0.2.1"})
        audit.request(details={"model": "m-1", "tokens": 12})
        audit.response(outcome="success")
        audit.compliance_check("retention", False)
        audit.error(ValueError("disk full"))
        audit.custom("invoice.paid")
        audit.action_requested("a-1", decision="deny", reasons=["costly"])
        audit.action_validated("a-2")
        audit.action_executed("a-2", 152)
        audit.action_executed("a-3", 1, outcome="failure")
        audit.approval("granted", "ap-1", actor="bob")
        audit.budget("tokens", 90, 100)
        audit.emergency_stop("runaway loop", context={"agent": "agent-7"})
        audit.flush()
        events = [record.event for record in audit.reader.query(order="oldest")]
        history = [record.event["type"] for record in audit.reader.action_history("agent-7", everything=True)]
    assert [(event["type"], event.get("outcome"), event.get("decision")) for event in events] == [
        ("auth.login", "success", None),
        ("auth.login_failed", "failure", None),
        ("data.update", "success", None),
        ("security.ip_blocked", "blocked", None),
        ("llm.request", None, None),
        ("llm.response", "success", None),
        ("compliance.violation", "failure", None),
        ("system.error", "error", None),
        ("invoice.paid", None, None),
        ("action.denied", "denied", "deny"),
        ("action.validated", "success", "allow"),
        ("action.executed", "success", "allow"),
        ("action.failed", "failure", "allow"),
        ("approval.granted", "success", None),
        ("budget.warning", None, None),
        ("agent.emergency_stop", None, None),
    ]
    assert events[2]["details"]["changed"] == ["plan"]
    assert events[14]["details"]["usagePercent"] == 90
    assert history == ["agent.emergency_stop"]


def test_filters_levels_handlers_and_mirrors(server: dict[str, str], trail: str, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    heard: list[str] = []
    errors: list[Exception] = []

    def broken(event: dict[str, Any]) -> None:
        raise RuntimeError("handler")

    with (
        caplog.at_level(logging.INFO, "app"),
        AuditLogger(
            trail,
            **server,
            level="warning",
            filters=[lambda event: event["type"] != "quota.checked"],
            handlers=[broken, lambda event: heard.append(event["type"])],
            mirror=logging.getLogger("app"),
            on_error=errors.append,
        ) as audit,
    ):
        assert audit.log("a.info").result(5) is None
        assert audit.log("quota.checked", severity="error").result(5) is None
        landed = audit.log_and_wait("a.warned", severity="warning", actor="alice")
    assert landed.seq == 0
    assert heard == ["a.warned"]
    assert [str(one) for one in errors] == ["handler"]
    assert caplog.messages == ["a.warned actor=alice outcome=-"]


def test_what_the_log_refuses_keeps_its_core_and_costs_no_other(server: dict[str, str], trail: str, tmp_path: Path) -> None:
    errors: list[Exception] = []
    with AuditLogger(trail, **server, spool=tmp_path, on_error=errors.append) as audit:
        handles = [audit.log("a.b", id=f"e-{n}", details={"n": n}) for n in range(3)]
        bad = audit.log("a.b", id="not an id!", actor="alice")
        audit.flush()
        assert [handle.result(5).seq for handle in handles] == [0, 1, 2]  # type: ignore[union-attr]
        last = audit.reader.recent(1)[0]
    assert last.event["actor"] == {"id": "alice"}
    assert bad.done
    assert list(tmp_path.iterdir()) == []


def test_an_event_that_cannot_be_named_is_refused_at_once(server: dict[str, str], trail: str) -> None:
    with AuditLogger(trail, **server) as audit, pytest.raises(SealtrailError, match="invalid_event"):
        audit.log("")


def test_threads_share_a_logger(server: dict[str, str], trail: str) -> None:
    with AuditLogger(trail, **server, buffer_events=50) as audit:
        threads = [threading.Thread(target=lambda: [audit.log("a.b") for _ in range(100)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        audit.flush(30)
        events = [record.event["producer"]["seq"] for record in audit.reader.query(order="oldest")]
    assert events == list(range(800))


def test_without_a_log_and_a_spool_close_says_what_is_lost(trail: str) -> None:
    errors: list[Exception] = []
    audit = AuditLogger(
        trail, endpoint="http://127.0.0.1:9", region="us-east-1", on_error=errors.append, when_full="raise", buffer_events=2
    )
    handles = [audit.log("a.b"), audit.log("a.b")]
    with pytest.raises(SealtrailError, match="store_full"):
        audit.log("a.b")
    with pytest.raises(SealtrailError, match="2 events are lost"):
        audit.close(0.3)
    with pytest.raises(SealtrailError):
        handles[0].result(0)
    assert len(errors) == 1


_PRODUCER = """
import sys
from sealtrail import AuditLogger
audit = AuditLogger(sys.argv[1], spool=sys.argv[2], region="us-east-1", batch_seconds=0.01, batch_events=20)
start = int(sys.argv[3])
for n in range(start, start + 400):
    audit.log("n.counted", details={"n": n})
    if n % 20 == 19:
        with audit._changed:
            audit._changed.wait_for(lambda: audit._in_memory == 0)
        print(n, flush=True)
audit.close(30)
print("closed", flush=True)
"""


def test_killed_and_started_again_every_spooled_event_is_in_the_log_once(
    server: dict[str, str], trail: str, tmp_path: Path
) -> None:
    spooled = 0
    for run in range(6):
        command = [sys.executable, "-c", _PRODUCER, trail, str(tmp_path), str(run * 1000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                spooled += 0 if line == "closed\n" else 20
                if run < 5 and line.strip() == str(run * 1000 + 39 + 60 * run):
                    child.kill()
    with AuditLogger(trail, **server, spool=tmp_path) as audit:
        audit.flush(30)
        numbers = [record.event["details"]["n"] for record in audit.reader.query(order="oldest", limit=1000)]
    assert len(numbers) == len(set(numbers)), "an event is there twice"
    assert len(numbers) >= spooled, "an event that was on the disk is gone"
    for run in range(6):
        own = [n for n in numbers if n // 1000 == run]
        assert own == list(range(run * 1000, run * 1000 + len(own))), "an event is missing, or out of order"


def test_a_batch_that_was_sent_without_an_answer_is_found_and_not_repeated(
    server: dict[str, str], trail: str, tmp_path: Path
) -> None:
    body = b'{"events":[{"type":"a.b","id":"once"}]}'
    lane = open_lane(tmp_path)
    lane.put(Batch("the-key", body, 1))
    lane.put(Batch("the-key", body, 1))  # As after a crash between the answer and the removal.
    lane.close()
    with AuditLogger(trail, **server, spool=tmp_path) as audit:
        audit.flush()
        assert [record.event["id"] for record in audit.reader.query()] == ["once"]


def test_a_damaged_file_of_the_spool_is_set_aside_and_named(server: dict[str, str], trail: str, tmp_path: Path) -> None:
    lane = open_lane(tmp_path)
    lane.put(Batch("k", b"{}", 1)).write_bytes(b"half")
    lane.close()
    errors: list[Exception] = []
    with AuditLogger(trail, **server, spool=tmp_path, on_error=errors.append) as audit:
        audit.log_and_wait("a.b")
    assert [getattr(one, "code", "") for one in errors] == ["store_corrupt"]
    assert [file.name[:8] for file in tmp_path.iterdir()] == ["refused-"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork_parent_and_child_are_two_producers(server: dict[str, str], trail: str) -> None:
    with AuditLogger(trail, **server) as audit:
        audit.log_and_wait("a.parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                audit.log_and_wait("a.child")
                audit.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        audit.log_and_wait("a.parent")
        events = [record.event for record in audit.reader.query(order="oldest")]
    assert [event["type"] for event in events] == ["a.parent", "a.child", "a.parent"]
    assert events[0]["producer"]["id"] == events[2]["producer"]["id"] != events[1]["producer"]["id"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork_no_connection_is_shared(server: dict[str, str], trail: str) -> None:
    alarms: list[SealtrailError] = []
    with AuditLogger(trail, **server, batch_seconds=0.0, batch_events=1, on_alarm=alarms.append) as audit:
        audit.log_and_wait("a.first")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                audit.flush(5)  # Nothing is the child's yet.
                handles = [audit.log("a.child") for _ in range(60)]
                code = 0 if all(handle.result(30) for handle in handles) else 2
            finally:
                os._exit(code)
        handles = [audit.log("a.parent") for _ in range(60)]
        assert all(handle.result(30) for handle in handles)
        assert os.waitpid(child, 0)[1] == 0
        assert audit.reader.summary()["total"] == 121
    assert alarms == []
