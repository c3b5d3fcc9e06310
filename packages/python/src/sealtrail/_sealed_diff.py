"""Whether a sealed event is what was sent.

A log may add defaults, replace an alias by its type's name, take out secrets and personal data, and keep what does not fit
in another form, marking every place. Any other difference means that the record is not of what happened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

_MARK = re.compile(r"\[redacted[^\]]*\]|\*\*\*")
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)
_ADDED = frozenset(("id", "severity", "outcome", "redacted", "converted"))
_ALIASES: dict[str, str] = json.loads(resources.files(__package__).joinpath("aliases.json").read_text("utf-8"))


def difference_from_sent(sent: Any, sealed: Any) -> str | None:
    """The path of the first difference that nothing explains, such as ``details.items[3].price``; None if there is none."""
    if not isinstance(sent, Mapping) or not isinstance(sealed, Mapping):
        return ""
    places = sealed.get("converted")
    converted = frozenset(one for one in places if isinstance(one, str)) if isinstance(places, list) else frozenset()

    def is_converted(path: str) -> bool:
        return path in converted or (bool(converted) and path.startswith("details.unfit"))

    for key in sealed:
        if key not in sent and key not in _ADDED and not is_converted(key) and not is_converted(f"{key}.unfit"):
            return str(key)
    for key, value in sent.items():
        if key == "type" and isinstance(value, str) and _type_of(value) == sealed.get("type"):
            continue
        found = _difference(value, sealed.get(key), key, is_converted)
        if found is not None:
            return found
    return None


def _type_of(name: str) -> str:
    """The name under which a type is sealed: that of the catalogue, else lower-case with a dot."""
    lower = name.lower()
    return _ALIASES.get(lower) or (lower if "." in lower else lower.replace("_", ".", 1))


def _difference(sent: Any, sealed: Any, path: str, is_converted: Callable[[str], bool]) -> str | None:
    if is_converted(path) or (isinstance(sealed, str) and _MARK.search(sealed)):
        return None
    if isinstance(sent, list):
        if not isinstance(sealed, list) or len(sealed) != len(sent):
            return path
        return _first(_difference(a, b, f"{path}[{i}]", is_converted) for i, (a, b) in enumerate(zip(sent, sealed)))
    if isinstance(sent, Mapping):
        return _of_members(sent, sealed, path, is_converted) if isinstance(sealed, Mapping) else path
    return None if (type(sent) is type(sealed) and sent == sealed) or _is_same_number(sent, sealed) else path


def _is_same_number(sent: Any, sealed: Any) -> bool:
    numbers = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (sent, sealed)]
    return all(numbers) and float(sent) == float(sealed)


def _of_members(
    sent: Mapping[str, Any], sealed: Mapping[str, Any], path: str, is_converted: Callable[[str], bool]
) -> str | None:
    """Keys are data too: one that is not there must have been replaced by one that is marked."""

    def at(key: str) -> str:
        return f"{path}.{key}" if _PLAIN.fullmatch(key) else f"{path}[{json.dumps(key, ensure_ascii=False)}]"

    def lacking(one: Mapping[str, Any], other: Mapping[str, Any]) -> Sequence[str]:
        return [key for key in one if key not in other and not is_converted(at(key))]

    missing = lacking(sent, sealed)
    if len(missing) > sum(1 for key in sealed if _MARK.search(key)):
        return at(missing[0])
    found = _first(_difference(sent[key], sealed[key], at(key), is_converted) for key in sent if key in sealed)
    if found is not None:
        return found
    extra = [key for key in lacking(sealed, sent) if not _MARK.search(key)]
    return at(extra[0]) if extra else None


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)
