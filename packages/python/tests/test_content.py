"""What becomes of the values that programs log."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
from typing import Any

import pytest

from sealtrail import SealtrailError
from sealtrail._calls import changed_fields
from sealtrail._content import MAX_EVENT_BYTES, event_of, size_of, to_serializable
from sealtrail._sealed_diff import difference_from_sent


@dataclasses.dataclass
class _Point:
    x: int


class _Color(enum.Enum):
    RED = "red"


class _Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (2**63, str(2**63)),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (datetime.date(2026, 11, 30), "2026-11-30"),
        (decimal.Decimal("1.10"), "1.10"),
        (b"hi", {"bytes": 2, "base64": "aGk="}),
        ({1: {2}}, {"1": [2]}),
        (_Point(3), {"x": 3}),
        (_Color.RED, "red"),
        (ValueError("no"), {"name": "ValueError", "message": "no"}),
        ("\ud800", "\ufffd"),
        (_Hostile(), "[unreadable: RuntimeError]"),
        (True, True),
    ],
)
def test_every_value_has_a_json(value: Any, becomes: Any) -> None:
    assert to_serializable(value) == becomes


def test_what_is_inside_itself_or_endless_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert to_serializable(loop) == ["[circular]"]
    deep: Any = 0
    for _ in range(100):
        deep = [deep]
    assert "[too deep]" in str(to_serializable(deep))
    assert to_serializable(list(range(30_000)))[-1] == "[too many]"


def test_an_event_keeps_its_core_whatever_it_carries() -> None:
    event = event_of({"type": "a.b", "actor": {"id": "alice"}, "colour": 1, "details": {"x": "y" * 60_000}}, {})
    assert event["actor"] == {"id": "alice"}
    assert event["details"]["tooLarge"]["bytes"] > 60_000
    assert size_of(event_of({"type": "a.b", "description": "y" * 60_000}, {})) <= MAX_EVENT_BYTES
    with pytest.raises(SealtrailError, match="invalid_event"):
        event_of({"actor": "alice"}, {})


def test_a_diff_names_the_paths() -> None:
    assert changed_fields({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 1}) == ["a.c", "d"]
    assert changed_fields(1, 2) == ["$"]
    assert changed_fields({"a": 1}, {"a": 1}) == []


@pytest.mark.parametrize(
    ("sent", "sealed", "path"),
    [
        ({"type": "LOGIN"}, {"type": "auth.login", "id": "x", "severity": "info"}, None),
        ({"type": "USER_ACTION"}, {"type": "user.action"}, None),
        ({"type": "a.b", "details": {"n": 1.0}}, {"type": "a.b", "details": {"n": 1}}, None),
        ({"type": "a.b", "details": {"password": "x"}}, {"type": "a.b", "details": {"password": "[redacted]"}}, None),
        ({"type": "a.b", "details": {"x": True}}, {"type": "a.b", "details": {"x": 1}}, "details.x"),
        ({"type": "a.b", "details": {"x": [1]}}, {"type": "a.b", "details": {"x": [1, 2]}}, "details.x"),
        ({"type": "a.b"}, {"type": "a.b", "actor": {"id": "eve"}}, "actor"),
        ({"type": "a.b", "actor": {"id": "a"}}, {"type": "a.b", "actor": {"id": "b"}}, "actor.id"),
        ({"type": "a.b", "details": {"x": 1}}, {"type": "a.b", "details": {}}, "details.x"),
        ({"type": "a.b", "details": {}}, {"type": "a.b", "details": {"y": 1}}, "details.y"),
        ({"type": "a.b", "details": {"x": "1"}}, {"type": "a.b", "details": {"x": "2"}, "converted": ["details.x"]}, None),
        ({"type": "a.b"}, {"type": "c.d"}, "type"),
    ],
)
def test_a_sealed_event_is_what_was_sent_or_the_place_is_named(sent: Any, sealed: Any, path: str | None) -> None:
    assert difference_from_sent(sent, sealed) == path
