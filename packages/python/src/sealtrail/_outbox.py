"""Batches on their way to the log: one after the other, each under its key and until it is answered."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ._delivery import FORGED, REFUSED, Delivery
from ._handle import Handle, Landed
from ._http import pause
from ._refused import instead
from ._spool import Batch, Lane, read_batch
from .errors import SealtrailError


@dataclass
class Job:
    """A batch, in memory or in a lane of the spool, and the handles of its events; none for those of another process."""

    batch: Batch | None = None
    lane: Lane | None = None
    file: Path | None = None
    handles: Sequence[Handle] = field(default_factory=list)
    #: Events that it takes of the buffer in memory.
    held: int = 0


class Outbox:
    """Sends jobs in a thread of its own, in order: so every event is in the log once."""

    def __init__(
        self,
        delivery: Delivery,
        on_error: Callable[[Exception], None],
        on_alarm: Callable[[SealtrailError], None],
        on_done: Callable[[Job], None],
    ) -> None:
        self._delivery, self._on_error, self._on_alarm, self._on_done = delivery, on_error, on_alarm, on_done
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._reported: set[str] = set()
        #: What went wrong with the newest attempt.
        self.failing: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="sealtrail-outbox", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Adds a job at the end."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Waits until everything is sent. False if it takes longer than ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, timeout)

    def stop(self) -> list[Job]:
        """Stops sending, and returns what is left."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        return list(self._jobs)

    def _run(self) -> None:
        attempt = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._stopped.is_set())
                if self._stopped.is_set():
                    return
                job = self._jobs[0]
            try:
                self._deliver(job)
                attempt, self.failing = 0, None
                self._reported.clear()
            except Exception as error:  # What it may be is open: the job stays, and is tried again.
                attempt += 1
                self._failed(error)
                self._stopped.wait(pause(attempt, getattr(error, "retry_after", None)))

    def _failed(self, error: Exception) -> None:
        self.failing = error
        kind = getattr(error, "code", type(error).__name__)
        if kind not in self._reported:  # Each attempt during an outage fails alike: one report is enough.
            self._reported.add(kind)
            self._on_error(error)

    def _deliver(self, job: Job) -> None:
        batch = self._read(job)
        if batch is None:
            return
        try:
            receipt = self._delivery.send(batch)
        except SealtrailError as error:
            if error.code in REFUSED:
                self._replace(job, batch, error)
            elif error.code in FORGED:
                self._on_alarm(error)
                self._give_up(job, error)
            else:
                raise
            return
        if job.lane is not None and job.file is not None:
            job.lane.remove(job.file)
        for handle, event in zip(job.handles, receipt["events"]):
            handle._land(Landed(event["id"], receipt["trail"], event["seq"], event["hash"], receipt))
        self._finish([])

    def _read(self, job: Job) -> Batch | None:
        if job.batch is not None or job.file is None:
            return job.batch
        try:
            return read_batch(job.file)
        except SealtrailError as error:
            self._on_error(error)
            self._give_up(job, error)
            return None

    def _replace(self, job: Job, batch: Batch, error: SealtrailError) -> None:
        self._on_error(error)
        batches = instead(batch, error)
        if batches is None:
            return self._give_up(job, error)
        handles, jobs = list(job.handles), []
        for one in batches:
            own, handles = handles[: one.count], handles[one.count :]
            # In memory until they are sent: the refused batch stays in the spool for them, and is made into the same again.
            jobs.append(Job(one, None, None, own, len(own) if job.held else 0))
        jobs[-1].lane, jobs[-1].file = job.lane, job.file
        self._finish(jobs)
        return None

    def _give_up(self, job: Job, error: SealtrailError) -> None:
        if job.lane is not None and job.file is not None and job.file.exists():
            job.lane.set_aside(job.file)
        for handle in job.handles:
            handle._fail(error)
        self._finish([])

    def _finish(self, replaced_by: list[Job]) -> None:
        with self._changed:
            job = self._jobs.popleft()
            self._jobs.extendleft(reversed(replaced_by))
            if not replaced_by:
                self._on_done(job)
            self._changed.notify_all()


def count_of(jobs: Sequence[Job]) -> int:
    """The events in jobs."""
    return sum(len(job.handles) for job in jobs)


def as_fields(given: Any) -> dict[str, Any]:
    """An actor or a resource may be given by its id alone."""
    return {"id": given} if isinstance(given, str) else given
