"""The logger: events go out in batches, in order, each exactly once, and every receipt is checked."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import datetime
import os
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable

from ._calls import Calls
from ._content import MAX_EVENT_BYTES, event_of, json_of
from ._delivery import Delivery
from ._handle import Handle
from ._http import SignedHttp
from ._outbox import Job, Outbox, as_fields, count_of
from ._spool import Batch, abandoned_lanes, open_lane
from .errors import SealtrailError
from .reader import Reader
from .receipt import producer_link
from .record import is_trail

_SEVERITIES = ("debug", "info", "warning", "error", "critical")
_CONTEXT_FIELDS = frozenset(["tenant", "project", "session", "request", "correlation", "agent", "action", "approval"])
#: A request may have 1,000 events and 5,000,000 bytes.
_MAX_BATCH_EVENTS, _MAX_BATCH_BYTES = 1000, 4_500_000
_FIRST_LINK = "0" * 64

Event = dict[str, Any]
_NO_CONTEXT: Mapping[str, Any] = MappingProxyType({})
_context: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar("sealtrail_context", default=_NO_CONTEXT)


class AuditLogger(Calls):
    """Sends events to one trail. Safe to share between threads, and after a fork.

    >>> audit = AuditLogger("orders", endpoint="http://127.0.0.1:8321", profile="writer", spool="spool")
    >>> audit.auth("login", actor={"id": "alice", "ip": "192.0.2.1"})
    >>> audit.close()

    ``endpoint`` is by default ``SEALTRAIL_ENDPOINT``; credentials, profile and region are those of botocore's chain.
    ``spool`` is a folder in which batches wait until the log has them, also for the next process.
    ``keys`` are vkeys to trust; without them those that the log names are trusted, as long as its history goes on.
    ``level`` leaves out events of a lesser severity, and ``filters`` those for which one returns False.
    ``handlers`` are called with each event, and ``mirror`` is a logger of the standard module that gets a line for each.
    ``when_full`` says what a call does when ``buffer_events`` wait in memory: ``block``, or ``raise`` ``store_full``.
    ``on_error`` hears once of each kind of error of an outage, ``on_alarm`` of a receipt that proves nothing.
    """

    def __init__(
        self,
        trail: str,
        *,
        endpoint: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        spool: str | Path | None = None,
        keys: Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
        level: str = "debug",
        filters: Sequence[Callable[[Event], bool]] = (),
        handlers: Sequence[Callable[[Event], None]] = (),
        mirror: Any = None,
        enabled: bool = True,
        batch_seconds: float = 0.2,
        batch_events: int = _MAX_BATCH_EVENTS,
        buffer_events: int = 10_000,
        when_full: str = "block",
        flush_timeout: float = 10.0,
        on_error: Callable[[Exception], None] | None = None,
        on_alarm: Callable[[SealtrailError], None] | None = None,
    ) -> None:
        _expect(is_trail(trail), "trail", f"{trail!r} is not the name of a trail")
        _expect(level in _SEVERITIES, "level", f"one of {', '.join(_SEVERITIES)}")
        _expect(when_full in ("block", "raise"), "when_full", "block or raise")
        _expect(1 <= batch_events <= _MAX_BATCH_EVENTS, "batch_events", f"1 to {_MAX_BATCH_EVENTS}")
        _expect(buffer_events >= 1, "buffer_events", "1 or more")
        url = endpoint or os.environ.get("SEALTRAIL_ENDPOINT")
        if url is None:
            raise SealtrailError("usage", "give endpoint, or set SEALTRAIL_ENDPOINT", field="endpoint")
        self.trail, self.enabled = trail, enabled
        self._http = SignedHttp(url, profile=profile, region=region)
        self.reader = Reader(self._http, trail)
        self._spool = None if spool is None else Path(spool)
        self._keys, self._shared = keys, dict(context or {})
        self._level, self._filters, self._handlers, self._mirror = level, list(filters), list(handlers), mirror
        self._batch_seconds, self._batch_events = batch_seconds, batch_events
        self._buffer_events, self._when_full, self._flush_timeout = buffer_events, when_full, flush_timeout
        self._on_error = on_error or _say("sealtrail")
        self._on_alarm = on_alarm or _say("sealtrail: ALARM")
        self._closed = False
        self._starting = threading.Lock()
        self._start()
        _loggers.add(self)

    # ------------------------------------------------------------------------------------------------- logging

    def log(self, type: str, **fields: Any) -> Handle:
        """Logs an event, and returns at once with a handle of it. The event is taken as it is at this moment.

        Raises :class:`SealtrailError`: ``invalid_event`` without a type, ``store_full`` with ``when_full="raise"``, ``usage``
        after :meth:`close`. Values of any sort are taken; what is no JSON is converted.
        """
        event = self._event(type, fields)
        handle = Handle(event["id"])
        if not self.enabled or not self._passes(event):
            handle._land(None)
            return handle
        self._tell(event)
        self._enqueue(event, handle)
        return handle

    def log_and_wait(self, type: str, *, timeout: float | None = 30.0, **fields: Any) -> Any:
        """Logs an event and waits until it is in the log. Returns where it is, with the receipt, which was checked."""
        handle = self.log(type, **fields)
        self._cut_now()
        return handle.result(timeout)

    @contextlib.contextmanager
    def context(self, **fields: Any) -> Iterator[None]:
        """Puts fields on all events that are logged inside, also in tasks that start there: ``request``, ``actor``, …

        >>> with audit.context(request="r-1", actor="alice"):
        ...     audit.data("read", resource={"type": "invoice", "id": "7"})
        """
        token = _context.set({**_context.get(), **fields})
        try:
            yield
        finally:
            _context.reset(token)

    def _event(self, type: str, fields: Mapping[str, Any]) -> Event:
        around = {**self._shared, **_context.get()}
        parts = {name: as_fields(value) for name, value in around.items() if name not in _CONTEXT_FIELDS}
        known = {name: value for name, value in around.items() if name in _CONTEXT_FIELDS}
        own = {name: as_fields(value) if name in ("actor", "resource") else value for name, value in fields.items()}
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = event_of({"type": type, **own}, {**parts, **({"context": known} if known else {})})
        return {"id": str(uuid.uuid4()), "time": now, **event}

    def _passes(self, event: Event) -> bool:
        severity = event.get("severity", "info")
        if severity in _SEVERITIES and _SEVERITIES.index(severity) < _SEVERITIES.index(self._level):
            return False
        return all(self._call(one, event) is not False for one in self._filters)

    def _tell(self, event: Event) -> None:
        for one in self._handlers:
            self._call(one, event)
        if self._mirror is not None:
            level = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}.get(event.get("severity", "info"), 20)
            actor = (event.get("actor") or {}).get("id", "-")
            self._mirror.log(level, "%s actor=%s outcome=%s", event["type"], actor, event.get("outcome", "-"))

    def _call(self, call: Callable[[Event], Any], event: Event) -> Any:
        """A handler or filter that raises hurts nothing: the event is logged, and on_error hears of it."""
        try:
            return call(event)
        except Exception as error:
            self._on_error(error)
            return None

    # ------------------------------------------------------------------------------------------------ batching

    def _start(self) -> None:
        self._producer, self._seq, self._link = str(uuid.uuid4()), 0, _FIRST_LINK
        self._pending: list[tuple[bytes, Handle]] = []
        self._in_memory = 0
        self._is_due = False
        self._changed = threading.Condition()
        delivery = Delivery(self._http, self.trail, self._keys)
        self._outbox = Outbox(delivery, self._on_error, self._on_alarm, self._done)
        self._lane = None if self._spool is None else open_lane(self._spool)
        self._adopt()
        self._cutter = threading.Thread(target=self._cut, name="sealtrail-cutter", daemon=True)
        self._cutter.start()
        self._pid = os.getpid()  # At last: another thread that sees it finds all of the above.

    def _adopt(self) -> None:
        """Takes over what processes that are gone have left in the spool."""
        self._adopted = [] if self._spool is None else list(abandoned_lanes(self._spool))
        for lane in self._adopted:
            for file in lane.stored():
                self._outbox.put(Job(lane=lane, file=file))

    def _is_here(self) -> bool:
        """Whether this process started it. After a fork, what waits is the parent's, and this process is another producer."""
        return self._pid == os.getpid()

    def _enqueue(self, event: Event, handle: Handle) -> None:
        if not self._is_here():
            with self._starting:
                if not self._is_here():
                    self._start()
        with self._changed:
            if self._closed:
                raise SealtrailError("usage", "the logger is closed")
            if self._in_memory >= self._buffer_events and self._when_full == "raise":
                raise SealtrailError("store_full", f"{self._in_memory} events wait to be sent")
            self._changed.wait_for(lambda: self._in_memory < self._buffer_events or self._closed)
            mark = {"id": self._producer, "prev": self._link, "seq": self._seq}
            self._link, self._seq = producer_link(event["id"], mark), self._seq + 1
            self._pending.append((json_of({**event, "producer": mark}), handle))
            self._in_memory += 1
            self._changed.notify_all()

    def _cut_now(self) -> None:
        with self._changed:
            self._is_due = True
            self._changed.notify_all()

    def _cut(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                if not self._pending:
                    return
                until = time.monotonic() + self._batch_seconds
                self._changed.wait_for(
                    lambda: self._is_due or self._closed or len(self._pending) >= self._batch_events,
                    until - time.monotonic(),
                )
                taken = self._take()
            self._hand_on(taken)

    def _take(self) -> list[tuple[bytes, Handle]]:
        size, count = 0, 0
        for one, _ in self._pending[: self._batch_events]:
            if count and size + len(one) > _MAX_BATCH_BYTES:
                break
            size, count = size + len(one) + 1, count + 1
        taken, self._pending = self._pending[:count], self._pending[count:]
        self._is_due = self._is_due and bool(self._pending)
        return taken

    def _hand_on(self, taken: list[tuple[bytes, Handle]]) -> None:
        body = b'{"events":[' + b",".join(event for event, _ in taken) + b"]}"
        batch = Batch(str(uuid.uuid4()), body, len(taken))
        handles = [handle for _, handle in taken]
        file = None
        if self._lane is not None:
            try:
                file = self._lane.put(batch)
            except OSError as error:  # A full disk must not lose what can still be sent.
                self._on_error(error)
        if file is None:
            self._outbox.put(Job(batch=batch, handles=handles, held=len(handles)))
            return
        self._outbox.put(Job(lane=self._lane, file=file, handles=handles))
        self._free(len(handles))

    def _done(self, job: Job) -> None:
        self._free(job.held)

    def _free(self, count: int) -> None:
        with self._changed:
            self._in_memory -= count
            self._changed.notify_all()

    # ------------------------------------------------------------------------------------------------ the end

    def flush(self, timeout: float | None = None) -> None:
        """Waits until everything that was logged, and what earlier processes left in the spool, is in the log.

        Raises :class:`SealtrailError` with ``unavailable`` if that takes longer than ``timeout`` seconds.
        """
        if not self._is_here():
            return  # Nothing was logged since the fork.
        until = time.monotonic() + (self._flush_timeout if timeout is None else timeout)
        self._cut_now()
        with self._changed:
            is_cut = self._changed.wait_for(lambda: not self._pending, max(0.0, until - time.monotonic()))
        if not is_cut or not self._outbox.wait(max(0.0, until - time.monotonic())):
            why = f": {self._outbox.failing}" if self._outbox.failing else ""
            raise SealtrailError("unavailable", f"not everything is in the log yet{why}")

    def close(self, timeout: float | None = None) -> None:
        """Flushes and ends. What cannot be delivered in time stays in the spool for the next process.

        Raises :class:`SealtrailError` with ``unavailable`` and the number of events that are lost, where there is no spool.
        """
        if self._closed or not self._is_here():
            return
        with contextlib.suppress(SealtrailError):
            self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._cutter.join()
        self._http.stop()
        left = [job for job in self._outbox.stop() if job.file is None]
        for lane in [*self._adopted, *([self._lane] if self._lane else [])]:
            lane.close()
        self._http.close()
        _loggers.discard(self)
        lost = count_of(left)
        if lost:
            error = SealtrailError("unavailable", f"{lost} events are lost: the log did not answer, and there is no spool")
            for job in left:
                for handle in job.handles:
                    handle._fail(error)
            raise error

    def __enter__(self) -> AuditLogger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_loggers: weakref.WeakSet[AuditLogger] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for logger in list(_loggers):
        try:
            logger.close()
        except SealtrailError as error:
            logger._on_error(error)


def _expect(holds: bool, option: str, message: str) -> None:
    if not holds:
        raise SealtrailError("usage", f"{option}: {message}", field=option)


def _say(prefix: str) -> Callable[[Exception], None]:
    import logging

    return lambda error: logging.getLogger("sealtrail").error("%s: %s", prefix, error)


__all__ = ["MAX_EVENT_BYTES", "AuditLogger"]
