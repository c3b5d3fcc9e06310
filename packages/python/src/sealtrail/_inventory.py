"""What a folder with an archive holds, by its names alone (docs/spec.md, "Archive")."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from .record import is_trail
from .tree import MAX_SIZE

_PART = re.compile(r"[A-Za-z0-9._=-]+")
_SIZE = "(0|[1-9][0-9]{0,15})"
_KEY = re.compile(r"keys/([0-9a-f]{8})\.(vkey|pem)")
_CHECKPOINT = re.compile(f"(checkpoints|witnessed)/{_SIZE}")
_TIMESTAMP = re.compile(f"checkpoints/{_SIZE}\\.tsr")
_SEGMENT = re.compile(r"records/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{16})-([0-9]{16})\.jsonl\.gz")
_TILE = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
HEADS = "_heads"


@dataclass(frozen=True)
class Segment:
    """Records ``first`` to ``last``, both inclusive, received on the UTC day ``day`` (``YYYY-MM-DD``)."""

    name: str
    first: int
    last: int
    day: str


#: A tile or bundle: its level (-1 for bundles), its index and its width (256 for a full one).
Tile = tuple[int, int, int]


@dataclass
class TrailFiles:
    """The objects of one trail."""

    trail: str
    segments: list[Segment] = field(default_factory=list)
    checkpoints: dict[int, str] = field(default_factory=dict)
    witnessed: dict[int, str] = field(default_factory=dict)
    newest: str | None = None
    #: Tokens of a time-stamping service, by the size of their checkpoint (RFC 3161).
    timestamps: dict[int, str] = field(default_factory=dict)
    tiles: dict[Tile, str] = field(default_factory=dict)


@dataclass
class Inventory:
    """The objects of an archive."""

    trails: dict[str, TrailFiles] = field(default_factory=dict)
    #: By key ID (8 hex digits): the forms that are there, ``vkey`` and ``pem``.
    keys: dict[str, set[str]] = field(default_factory=dict)
    #: Folders of the log's own that hold no objects.
    left_out: list[str] = field(default_factory=list)


Report = Callable[[str, str, str], None]


def take_inventory(root: Path, report: Report) -> Inventory:
    """Lists every file below a folder. ``report`` gets the kind, object and text of what does not belong."""
    inventory = Inventory()
    for name in sorted(_names(root, "", report, inventory.left_out)):
        if not all(_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/")):
            report("bad_name", name, "no object of an archive has such a name")
        elif not _enter(inventory, name):
            report("unknown_object", name, "no object of an archive has this name")
    return inventory


def _names(root: Path, prefix: str, report: Report, left_out: list[str]) -> Iterator[str]:
    with os.scandir(root / prefix) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.is_symlink() or not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                report("symbolic_link", name, "a link, or another special file, stands where an object belongs")
            elif entry.is_file(follow_symlinks=False):
                yield name
            elif prefix or not entry.name.startswith("~"):
                yield from _names(root, f"{name}/", report, left_out)
            else:  # The log's own folders, for what is unfinished or held: no objects, and not read.
                left_out.append(f"{name}/")


def _enter(inventory: Inventory, name: str) -> bool:
    key = _KEY.fullmatch(name)
    if key is not None:
        inventory.keys.setdefault(key[1], set()).add(key[2])
        return True
    trail, _, rest = name.partition("/")
    if not is_trail(trail):
        return False
    files = inventory.trails.get(trail) or TrailFiles(trail)
    if not _enter_trail(files, name, rest):
        return False
    inventory.trails[trail] = files
    return True


def _enter_trail(files: TrailFiles, name: str, rest: str) -> bool:
    if rest == "checkpoint":
        files.newest = name
        return True
    checkpoint = _CHECKPOINT.fullmatch(rest)
    if checkpoint is not None:
        if int(checkpoint[2]) > MAX_SIZE or (checkpoint[1] == "witnessed" and files.trail != HEADS):
            return False
        (files.checkpoints if checkpoint[1] == "checkpoints" else files.witnessed)[int(checkpoint[2])] = name
        return True
    timestamp = _TIMESTAMP.fullmatch(rest)
    if timestamp is not None:
        files.timestamps[int(timestamp[1])] = name
        return int(timestamp[1]) <= MAX_SIZE
    segment = _SEGMENT.fullmatch(rest)
    if segment is not None:
        first, last = int(segment[2]), int(segment[3])
        files.segments.append(Segment(name, first, last, segment[1]))
        return first <= last <= MAX_SIZE and _is_day(segment[1])
    tile = _TILE.fullmatch(rest)
    if tile is None:
        return False
    index, width = _index(tile[2]), int(tile[3] or 256)
    if index is None or (tile[3] is not None and width > 255):
        return False
    files.tiles[-1 if tile[1] == "entries" else int(tile[1]), index, width] = name
    return True


def _index(path: str) -> int | None:
    """The index of a tile's path, which has no more parts than it needs (C2SP tlog-tiles)."""
    if path.startswith("x000/"):
        return None
    index = int(re.sub("[x/]", "", path))
    return index if index <= MAX_SIZE else None


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
