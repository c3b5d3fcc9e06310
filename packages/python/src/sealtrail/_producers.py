"""The events that producers numbered: whether one is missing (docs/spec.md, "Numbering by producers")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .receipt import producer_link
from .record import Record

_ROLE = re.compile(r"(arn:aws(?:-[a-z]+)*:sts::[0-9]{12}:assumed-role/[A-Za-z0-9_+=,.@-]{1,64})/.+", re.DOTALL)
#: Producers that are followed at a time.
_MAX_PRODUCERS = 100_000
_FIRST = "0" * 64


def submitter_of(principal: str) -> str:
    """What identifies a submitter: the role of a session, else all of the text (docs/spec.md, "Who a submitter is")."""
    match = _ROLE.fullmatch(principal)
    return match[1] if match else principal


class Producers:
    """Follows each producer's numbers. Events come in the order of the trail, which need not be theirs."""

    def __init__(self) -> None:
        #: By submitter and id: the events by number, each with its link and the link that it names.
        self._events: dict[tuple[str, str], dict[int, set[tuple[str, str]]]] = {}
        self.skipped = 0

    def add(self, record: Record) -> None:
        """Takes in a record; one without a number is passed over."""
        mark = _mark_of(record.event)
        if mark is None:
            return
        producer = (submitter_of(record.submitter), mark["id"])
        if producer not in self._events and len(self._events) >= _MAX_PRODUCERS:
            self.skipped += 1
            return
        link = producer_link(record.event["id"], mark)
        self._events.setdefault(producer, {}).setdefault(mark["seq"], set()).add((link, mark["prev"]))

    def findings(self) -> Iterator[tuple[str, str, str]]:
        """Each producer's id, the kind of problem, and its text."""
        for (_, producer), events in self._events.items():
            links = {link for marks in events.values() for link, _ in marks}
            before: str | None = None
            for seq in sorted(events):
                marks = events[seq]
                if len(marks) > 1:
                    yield producer, "producer_fork", f"number {seq} was given to two events"
                prev = next(iter(marks))[1]
                if prev != (before or _FIRST) and len(marks) == 1:
                    is_known = prev in links or prev == _FIRST
                    kind = "producer_fork" if is_known else "missing_events"
                    yield producer, kind, f"the event before number {seq} is not the one that it names"
                before = next(iter(marks))[0]


def _mark_of(event: dict[str, Any]) -> dict[str, Any] | None:
    mark = event.get("producer")
    if not isinstance(mark, dict) or mark.keys() != {"id", "prev", "seq"} or not isinstance(event.get("id"), str):
        return None
    is_mark = isinstance(mark["id"], str) and isinstance(mark["prev"], str) and isinstance(mark["seq"], int)
    return mark if is_mark else None
