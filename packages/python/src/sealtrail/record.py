"""Record lines (docs/spec.md, "Record lines")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .encoding import parse_json
from .errors import SealtrailError
from .tree import MAX_SIZE

#: Longest record line in bytes: an entry bundle gives each entry a length of 16 bits (C2SP tlog-tiles, "Log entries").
MAX_RECORD_BYTES = 65_535
_NAMES = {"event", "prev", "receivedAt", "seq", "submitter", "trail", "v"}
_PREV = re.compile(r"[0-9a-f]{64}")
_TRAIL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}|_[a-z0-9][a-z0-9-]{0,61}")


@dataclass(frozen=True)
class Record:
    """A record of a trail. ``received_at`` is in Unix milliseconds, and ``seq`` counts from 0."""

    trail: str
    seq: int
    received_at: int
    submitter: str
    prev: str
    event: dict[str, Any]


def is_trail(name: str) -> bool:
    """Whether it can be the name of a trail, the system's own included."""
    return _TRAIL.fullmatch(name) is not None


def parse_record(line: bytes | str) -> Record:
    """Reads a record line: its shape, but neither that it is canonical nor that its hashes fit. Raises ``malformed_record``."""
    return record_of(parse_json(line, "malformed_record", "a record"), len(line.encode() if isinstance(line, str) else line))


def record_of(value: Any, length: int) -> Record:
    """Takes what a line of ``length`` bytes was parsed to for a record. Raises ``malformed_record``."""
    if length > MAX_RECORD_BYTES:
        raise _malformed(f"a record has at most {MAX_RECORD_BYTES} bytes")
    if not isinstance(value, dict) or value.keys() != _NAMES or not _is_count(value["v"]) or value["v"] != 1:
        raise _malformed("a record has exactly the fields of version 1")
    if not isinstance(value["event"], dict):
        raise _malformed("the event of a record is an object")
    if not isinstance(value["prev"], str) or _PREV.fullmatch(value["prev"]) is None:
        raise _malformed("prev is 64 hexadecimal digits")
    if not _is_count(value["receivedAt"]) or not _is_count(value["seq"]):
        raise _malformed("receivedAt and seq are whole numbers")
    if not isinstance(value["submitter"], str) or not isinstance(value["trail"], str) or not is_trail(value["trail"]):
        raise _malformed("submitter is text, and trail the name of a trail")
    return Record(value["trail"], value["seq"], value["receivedAt"], value["submitter"], value["prev"], value["event"])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SIZE


def _malformed(message: str) -> SealtrailError:
    return SealtrailError("malformed_record", message)
