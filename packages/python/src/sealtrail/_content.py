"""Turning what a program has at hand into an event that a log takes."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import json
import math
from collections.abc import Mapping, Set
from typing import Any

from .errors import SealtrailError

_MAX_SAFE = 2**53 - 1
_MAX_DEPTH = 28
_MAX_VALUES = 20_000
#: An event may have 32,768 bytes; the rest is for its number.
MAX_EVENT_BYTES = 32_512
FIELDS = frozenset(
    [
        "id",
        "type",
        "time",
        "action",
        "outcome",
        "severity",
        "decision",
        "description",
        "actor",
        "resource",
        "context",
        "changes",
        "details",
    ]
)


def to_serializable(value: Any) -> Any:
    """JSON of any value: dates as ISO 8601, long numbers as text of their digits, what cannot be read as a note of that."""
    return _Conversion().of(value, 0)


class _Conversion:
    def __init__(self) -> None:
        self._left = _MAX_VALUES
        self._inside: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            return "[too many]"
        if value is None or isinstance(value, (bool, str)):
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
        if isinstance(value, enum.Enum):
            return self.of(value.value, depth)
        if isinstance(value, int):
            return int(value) if -_MAX_SAFE <= value <= _MAX_SAFE else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        if depth > _MAX_DEPTH:
            return "[too deep]"
        if id(value) in self._inside:
            return "[circular]"
        self._inside.add(id(value))
        try:
            return self._composite(value, depth)
        except Exception as error:  # A value's own code may raise anything, and must not cost the event.
            return f"[unreadable: {type(error).__name__}]"
        finally:
            self._inside.discard(id(value))

    def _composite(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {_key(key): self.of(one, depth + 1) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(one, depth + 1) for one in value]
        if isinstance(value, Set):
            return sorted((self.of(one, depth + 1) for one in value), key=repr)
        if isinstance(value, (datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, (bytes, bytearray, memoryview)):
            raw = bytes(value)
            return {"bytes": len(raw), "base64": base64.b64encode(raw).decode()}
        if isinstance(value, BaseException):
            cause = {} if value.__cause__ is None else {"cause": self.of(value.__cause__, depth + 1)}
            return {"name": type(value).__name__, "message": str(value), **cause}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {one.name: self.of(getattr(value, one.name), depth + 1) for one in dataclasses.fields(value)}
        dump = getattr(value, "model_dump", None)  # pydantic
        if callable(dump):
            return self.of(dump(), depth + 1)
        return str(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def event_of(fields: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """An event of the fields given, with the context under them. Raises ``invalid_event`` without a type."""
    merged: dict[str, Any] = dict(fields)
    for name, value in context.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = {**value, **merged[name]} if both else merged.get(name, value)
    converted = to_serializable({name: value for name, value in merged.items() if value is not None})
    unknown = {name: converted.pop(name) for name in list(converted) if name not in FIELDS}
    if unknown:
        details = converted.get("details")
        converted["details"] = {**(details if isinstance(details, dict) else {}), "unfit": unknown}
    if not isinstance(converted.get("type"), str) or not converted["type"]:
        raise SealtrailError("invalid_event", "an event has a type, such as auth.login", field="type")
    return fitted(converted)


def fitted(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its details, then its changes, as a note of their size where it is too large, then with shorter text."""
    for name in ("details", "changes"):
        if size_of(event) <= MAX_EVENT_BYTES:
            return event
        if name in event:
            note = {
                "bytes": size_of(event[name]),
                "members": sorted(event[name])[:20] if isinstance(event[name], dict) else [],
            }
            event = {**event, name: {"tooLarge": note}}
    if size_of(event) <= MAX_EVENT_BYTES:
        return event
    return {name: _cut(value) for name, value in event.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:256]: _cut(one) for name, one in list(value.items())[:20]}
    if isinstance(value, list):
        return [_cut(one) for one in value[:20]]
    return value[:256] if isinstance(value, str) else value


def size_of(value: Any) -> int:
    """Bytes of a value's JSON."""
    return len(json_of(value))


def json_of(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
