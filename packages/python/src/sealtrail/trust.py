"""Which keys a verifier trusts, and for what: the key files of ``sealtrail verify``."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .encoding import count_from
from .errors import SealtrailError
from .note import Verifier, parse_vkey, verifier_from_pem
from .record import is_trail
from .tree import MAX_SIZE

_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


@dataclass(frozen=True)
class TrustedKey:
    """A key and what it is trusted for.

    A vkey has the name ``<log name>/<trail>`` and is trusted for that trail, and for the log's own trails where nothing
    else is (:func:`keys_of_trail`); a PEM has no name and is trusted for all.
    ``since`` and ``until`` are sizes of checkpoints, both inclusive.
    """

    verifier: Verifier
    name: str | None = None
    trail: str | None = None
    since: int = 0
    until: int = MAX_SIZE


@dataclass
class _Scope:
    trail: str | None = None
    since: int = 0
    until: int = MAX_SIZE
    words: list[str] = field(default_factory=list)


def parse_trusted_keys(text: str) -> list[TrustedKey]:
    """Reads a key file: vkeys, PEMs or ``spki:<base64>``, each with ``from=``, ``to=`` and ``trail=`` where it is limited.

    A limit of a PEM stands alone on the line before it. Empty lines and lines that begin with ``#`` are passed over.
    Raises :class:`SealtrailError` with ``malformed_key``, naming the line.
    """
    lines = [line.strip() for line in text.splitlines()]
    keys: list[TrustedKey] = []
    pending: _Scope | None = None
    at = 0
    while at < len(lines):
        line, number, at = lines[at], at + 1, at + 1
        if not line or line.startswith("#"):
            continue
        if line == _BEGIN:
            end = next((i for i in range(at, len(lines)) if lines[i] == _END), None)
            if end is None:
                raise _at(number, "the PEM that begins here has no end")
            keys.append(_trusted(_pem("\n".join(lines[at - 1 : end + 1]) + "\n", number), None, pending or _Scope()))
            pending, at = None, end + 1
            continue
        if pending is not None or line.startswith("-----"):
            raise _at(number, "a line with from=, to= and trail= alone is followed by a PEM")
        first, *rest = line.split()
        if re.match("(from|to|trail)=", first):
            pending = _scope(number, [first, *rest])
        elif first.startswith("spki:"):
            body = base64.encodebytes(base64.b64decode(first[5:] + "==")).decode()
            keys.append(_trusted(_pem(f"{_BEGIN}\n{body}{_END}\n", number), None, _scope(number, rest)))
        else:
            verifier = _vkey(first, number)
            keys.append(_trusted(verifier, verifier.name, _scope(number, rest)))
    if pending is not None:
        raise _at(len(lines), "a line with from=, to= and trail= alone is followed by a PEM")
    if not keys:
        raise SealtrailError("malformed_key", "the key file holds no key")
    return keys


def keys_of_trail(trust: Sequence[TrustedKey], origin: str, trail: str) -> list[TrustedKey]:
    """The keys that are trusted for a trail, under the name that they have there.

    Proofs about a trail rest on the log's own trails as well, which may begin after the keys were given: where no key is
    for one of them, the log's keys of other trails are, those without bounds.
    """
    own = [key for key in trust if key.name in (None, origin) and key.trail in (None, trail)]
    if not own and trail.startswith("_"):
        own = _unbounded_keys_of(trust, _log_of(origin))
    return [TrustedKey(key.verifier.renamed(origin), origin, trail, key.since, key.until) for key in own]


def _unbounded_keys_of(trust: Sequence[TrustedKey], log: str) -> list[TrustedKey]:
    """Keys whose names are of a log, and which nothing limits, each once."""
    limits = (None, 0, MAX_SIZE)
    keys = [
        key
        for key in trust
        if key.name and "/" in key.name and _log_of(key.name) == log and (key.trail, key.since, key.until) == limits
    ]
    return list({key.verifier.pem: key for key in keys}.values())


def _log_of(origin: str) -> str:
    """``audit.example.com`` of ``audit.example.com/orders``."""
    return origin.rpartition("/")[0]


def _trusted(verifier: Verifier, name: str | None, scope: _Scope) -> TrustedKey:
    return TrustedKey(verifier, name, scope.trail, scope.since, scope.until)


def _scope(number: int, words: Sequence[str]) -> _Scope:
    scope = _Scope()
    for word in words:
        name, _, value = word.partition("=")
        if name == "trail" and is_trail(value):
            scope.trail = value
        elif name == "from":
            scope.since = count_from(value, "malformed_key", "from=")
        elif name == "to":
            scope.until = count_from(value, "malformed_key", "to=")
        else:
            raise _at(number, "after a key come from=<size>, to=<size> and trail=<name> only")
    if scope.since > scope.until:
        raise _at(number, "from= is above to=")
    return scope


def _pem(text: str, number: int) -> Verifier:
    try:
        return verifier_from_pem(text, "any")
    except SealtrailError as cause:
        raise _at(number, cause.message) from cause


def _vkey(text: str, number: int) -> Verifier:
    try:
        return parse_vkey(text)
    except SealtrailError as cause:
        raise _at(number, cause.message) from cause


def _at(number: int, message: str) -> SealtrailError:
    return SealtrailError("malformed_key", f"line {number} of the key file: {message}")
