"""Reading text so that each thing has one way to be written (docs/spec.md, "Notation")."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

import rfc8785

from .errors import SealtrailError

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_MAX_SAFE = 2**53 - 1


def from_base64(text: str, code: str, what: str) -> bytes:
    """Decodes canonical base64 with padding (RFC 4648 section 4)."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error) as cause:
        raise SealtrailError(code, f"{what} is not base64") from cause
    if base64.b64encode(raw).decode() != text:
        raise SealtrailError(code, f"{what} is not canonical base64")
    return raw


def hash_from_base64(text: str, code: str, what: str) -> bytes:
    """Decodes a hash of 32 bytes."""
    raw = from_base64(text, code, what)
    if len(raw) != 32:
        raise SealtrailError(code, f"{what} has {len(raw)} bytes, not 32")
    return raw


def to_base64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode()


def count_from(text: str, code: str, what: str) -> int:
    """Reads a whole number from 0 to 2^53 - 1, without sign or leading zeros."""
    if _NUMBER.fullmatch(text) is None or int(text) > _MAX_SAFE:
        raise SealtrailError(code, f"{what} is not a whole number")
    return int(text)


def parse_json(data: bytes | str, code: str, what: str) -> Any:
    """Parses JSON strictly: UTF-8, no name twice in an object, no NaN. Numbers are doubles, as RFC 8785 has them."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return _STRICT.decode(text)
    except (ValueError, RecursionError) as cause:
        raise SealtrailError(code, f"{what} is not JSON: {cause}") from cause


def canonical_json(value: Any) -> bytes:
    """The canonical JSON (RFC 8785) of a value. Raises ValueError for what has none, such as a lone surrogate."""
    return rfc8785.dumps(value)


def is_canonical(line: bytes, value: Any) -> bool:
    """Whether a line is the canonical JSON (RFC 8785) of the value that it was parsed to."""
    if max(line, default=0) < 0xF0 and not _has_float(value):
        # Python writes such values as RFC 8785 does, and many times faster than the library. The two sort names
        # beyond U+FFFF differently, and write floats in another way.
        try:
            return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() == line
        except ValueError:
            return False
    try:
        return canonical_json(value) == line
    except (ValueError, RecursionError):
        return False


def _has_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_float(one) for one in value.values())
    if isinstance(value, list):
        return any(_has_float(one) for one in value)
    return isinstance(value, float)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _whole(text: str) -> int | float:
    # A double: a longer whole number has no other meaning to RFC 8785. More digits than a double has are not worth reading.
    return int(text) if len(text) < 16 else float(text) if abs(float(text)) > _MAX_SAFE else int(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is beyond what a double holds")
    return number


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_whole, parse_float=_float, parse_constant=_constant, strict=True
)
