"""What to send instead of a batch that the log refuses: the rest of it must not suffer for one event."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ._content import json_of
from ._spool import Batch
from .errors import SealtrailError

_CORE = ("id", "producer", "time", "type", "action", "outcome", "severity", "decision", "context")
_MAX_REASON = 1000
_LAST = "audit.invalid_event"


def instead(batch: Batch, error: SealtrailError) -> list[Batch] | None:
    """The batches that take its place; None if nothing is left to try.

    The event at fault is reduced to its core under its own id and number, or the batch is halved if the answer names none.
    Their keys follow from the key before and the events, so that the same is made again after a crash.
    """
    if error.code == "idempotency_conflict":
        return None
    events: list[dict[str, Any]] = json.loads(batch.body)["events"]
    named = re.match(r"events\[([0-9]+)\]", error.field or error.message)
    if named is None and len(events) > 1:
        half = len(events) // 2
        return [_follow(batch, events[:half]), _follow(batch, events[half:])]
    at = int(named[1]) if named else 0
    core = _reduced(events[at], re.sub(r"^events\[[0-9]+\][.:]?\s*", "", error.message)) if at < len(events) else None
    return None if core is None else [_follow(batch, [core if i == at else one for i, one in enumerate(events)])]


def _follow(batch: Batch, events: list[dict[str, Any]]) -> Batch:
    body = json_of({"events": events})
    return Batch(hashlib.sha256(batch.key.encode() + b"\n" + body).hexdigest(), body, len(events))


def _reduced(event: dict[str, Any], reason: str) -> dict[str, Any] | None:
    if event.get("type") == _LAST:
        return None
    refused = reason[:_MAX_REASON]
    details = event.get("details")
    if not isinstance(details, dict) or "refused" not in details:
        parts = {
            name: _pick(event[name], ("id", "type")) for name in ("actor", "resource") if isinstance(event.get(name), dict)
        }
        return {**_pick(event, _CORE), **parts, "details": {"refused": refused}}
    shown = {name: json.dumps(event[name])[:_MAX_REASON] for name in ("type", "action", "actor", "resource") if name in event}
    own = _pick(event, ("id", "producer"))
    return {"type": _LAST, "severity": "error", "description": refused, **own, "details": shown}


def _pick(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}
