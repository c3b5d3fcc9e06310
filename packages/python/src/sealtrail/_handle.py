"""What a call of the logger gives back."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Landed:
    """Where an event is in the log: its record's number (from 0), leaf hash in hex, and the receipt, which was checked."""

    id: str
    trail: str
    seq: int
    hash: str
    receipt: dict[str, Any]


class Handle:
    """An event on its way. Nobody has to look at it."""

    def __init__(self, event_id: str) -> None:
        self.id = event_id
        self._landed: Future[Landed | None] = Future()

    def result(self, timeout: float | None = None) -> Landed | None:
        """Waits, ``timeout`` seconds at most, until the event is in the log. None for one that was not to be logged.

        Raises :class:`SealtrailError` if the log refused it or its receipt is false, TimeoutError if it takes too long.
        """
        return self._landed.result(timeout)

    def __await__(self) -> Any:
        return asyncio.wrap_future(self._landed).__await__()

    @property
    def done(self) -> bool:
        """Whether it is in the log, or has failed."""
        return self._landed.done()

    def _land(self, landed: Landed | None) -> None:
        if not self._landed.done():
            self._landed.set_result(landed)

    def _fail(self, error: BaseException) -> None:
        if not self._landed.done():
            self._landed.set_exception(error)
