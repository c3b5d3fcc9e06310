"""Questions to a trail. The answers are the log's word; what ``proof`` gives can be checked offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._http import SignedHttp, percent_encode
from .record import Record, parse_record

#: Names of filters that are written in another way here.
_RENAMED = {
    "from_": "from",
    "resource_type": "resourceType",
    "actor_type": "actorType",
    "time_from": "timeFrom",
    "time_to": "timeTo",
    "user_agent": "userAgent",
}


class Reader:
    """Asks a trail. Filters have the names of docs/queries.md, with ``from_`` for ``from``; a list means any of its values.

    Errors (:class:`SealtrailError`) are the log's: ``invalid_parameter`` with the field, ``forbidden``, ``not_found``.
    """

    def __init__(self, http: SignedHttp, trail: str) -> None:
        self._http, self._path = http, f"/v1/trails/{percent_encode(trail)}"

    def query(self, **filters: Any) -> Iterator[Record]:
        """The records that pass every filter, page by page as they are taken, newest first unless ``order="oldest"``.

        >>> for record in audit.reader.query(type="auth.*", actor="alice", from_="2h"):
        ...     print(record.seq, record.event["type"])
        """
        cursor = None
        while True:
            query = {**_named(filters), "format": "ndjson", "cursor": cursor}
            answer = self._http.send(f"{self._path}/events", query=query)
            yield from (parse_record(line) for line in answer.body.split(b"\n") if line)
            cursor = answer.headers.get("x-next-cursor") if answer.headers.get("x-more") == "true" else None
            if cursor is None:
                return

    def recent(self, count: int = 20, **filters: Any) -> list[Record]:
        """The newest records that pass the filters, newest first."""
        found: list[Record] = []
        if count < 1:
            return found
        for record in self.query(limit=min(count, 100), **filters):
            found.append(record)
            if len(found) >= count:
                break
        return found

    def action_history(self, agent: str, *, everything: bool = False) -> Iterator[Record]:
        """The actions of an agent, oldest first; with ``everything``, all that it was part of."""
        return self.query(agent=agent, order="oldest", **({} if everything else {"type": "action.*"}))

    def summary(self, **filters: Any) -> dict[str, Any]:
        """Exact counts of the records that pass the filters: in all, by type, outcome and severity, and over time."""
        total: dict[str, Any] = self._http.send(f"{self._path}/summary", query=_named(filters)).json()
        return total

    def activity(self, actor: str, days: int = 30) -> dict[str, Any]:
        """What an actor did over the last days."""
        found: dict[str, Any] = self._http.send(f"{self._path}/activity", query={"actor": actor, "days": days}).json()
        return found

    def record(self, which: int | str) -> Record:
        """One record, by its number or its event's id."""
        answer = self._http.send(f"{self._path}/events/{percent_encode(str(which))}")
        return parse_record(answer.body.rstrip(b"\n"))

    def proof(self, seq: int) -> str:
        """The proof that a record is in the log, a C2SP tlog-proof: :func:`sealtrail.check_proof` checks it."""
        return self._http.send(f"{self._path}/events/{seq}/proof").body.decode()

    def verify_integrity(self) -> dict[str, Any]:
        """Has the log look at itself, at what is new since the last time. An auditor runs :func:`verify_archive` instead."""
        report: dict[str, Any] = self._http.send(f"{self._path}/verifications", method="POST", body=b"{}").json()
        return report


def _named(filters: dict[str, Any]) -> dict[str, Any]:
    return {
        _RENAMED.get(name, name): list(value) if isinstance(value, (list, tuple, set)) else value
        for name, value in filters.items()
    }
