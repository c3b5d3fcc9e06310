"""Tiles and entry bundles against the records (C2SP tlog-tiles; docs/spec.md, "Tiles" and "Entry bundles")."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from ._inventory import TrailFiles
from .record import MAX_RECORD_BYTES
from .tree import root_of

_WIDTH = 256
_BUNDLES = -1
_MAX_BUNDLE = _WIDTH * (MAX_RECORD_BYTES + 2)


class TileChecks:
    """Takes a trail's records in order, and compares every tile and bundle as soon as its records are there."""

    def __init__(self, root: Path, files: TrailFiles, report: Callable[[str, str, str], None]) -> None:
        self._root, self._files, self._report = root, files, report
        #: The unfinished tile of each level: its index, and its hashes so far.
        self._rows: list[tuple[int, list[bytes]]] = []
        self._bundle: list[bytes] = []
        self._widths: dict[tuple[int, int], set[int]] = {}
        for level, index, width in files.tiles:
            self._widths.setdefault((level, index), set()).add(width)
        self._seen: set[tuple[int, int, int]] = set()
        self._size = 0

    def add(self, line: bytes, leaf: bytes) -> None:
        """Adds a record line and its leaf hash."""
        index = self._size // _WIDTH
        self._size += 1
        self._bundle.append(len(line).to_bytes(2, "big") + line)
        if len(self._bundle) in self._widths.get((_BUNDLES, index), ()):
            self._compare((_BUNDLES, index, len(self._bundle)), b"".join(self._bundle))
        if len(self._bundle) == _WIDTH:
            self._bundle = []
        self._add_hash(0, leaf)

    def _add_hash(self, level: int, node: bytes) -> None:
        if level == len(self._rows):
            self._rows.append((0, []))
        index, row = self._rows[level]
        row.append(node)
        if len(row) in self._widths.get((level, index), ()):
            self._compare((level, index, len(row)), b"".join(row))
        if len(row) == _WIDTH:
            self._rows[level] = (index + 1, [])
            self._add_hash(level + 1, root_of(row))

    def _compare(self, tile: tuple[int, int, int], expected: bytes) -> None:
        self._seen.add(tile)
        name = self._files.tiles[tile]
        file = self._root / name
        if file.stat().st_size > _MAX_BUNDLE:
            self._report("too_large", name, "it is larger than anything of its sort")
        elif file.read_bytes() != expected:
            kind = "record_mismatch" if tile[0] == _BUNDLES else "tile_mismatch"
            self._report(kind, name, "it does not hold the records of the segments, or their hashes")

    def finish(self, newest: int, sealed: int | None) -> None:
        """Reports what is missing, and what reaches beyond the records, once they were all added.

        ``newest`` is the size of the newest archived checkpoint, ``sealed`` that of ``<trail>/checkpoint``.
        """
        for tile in sorted(set(self._files.tiles) - self._seen):
            self._report("beyond_checkpoint", self._files.tiles[tile], "it reaches beyond the records")
        seals = {
            sealed or 0,
            *(index * _WIDTH + width for level, index, width in self._seen if level <= 0 and width < _WIDTH),
        }
        wanted = {(level, index, _WIDTH) for level, count in _levels(newest) for index in range(count // _WIDTH)}
        for seal in seals:
            wanted.update((level, *divmod(count, _WIDTH)) for level, count in _levels(seal) if count % _WIDTH)
            if seal and seal not in self._files.checkpoints:
                name = f"{self._files.trail}/checkpoints/{seal}"
                self._report("missing_checkpoint", name, "partial tiles show that it was sealed")
        for tile in sorted(wanted - set(self._files.tiles)):
            kind = "missing_bundle" if tile[0] == _BUNDLES else "missing_tile"
            self._report(kind, f"{self._files.trail}/tile/", f"level {tile[0]}, index {tile[1]}, width {tile[2]} is missing")
        self._check_upper(seals)

    def _check_upper(self, seals: set[int]) -> None:
        """A partial tile of an upper level stands where a seal was made, of which the lowest level knows."""
        for level, index, width in self._seen:
            if level < 1 or width == _WIDTH:
                continue
            least = (index * _WIDTH + width) * _WIDTH**level
            if not any(least <= seal < least + _WIDTH**level for seal in seals) and least not in self._files.checkpoints:
                name = f"{self._files.trail}/checkpoints/{least}"
                self._report("missing_checkpoint", name, "a partial tile shows that it was sealed")


def _levels(size: int) -> list[tuple[int, int]]:
    """The hashes of each level at a size, and the bundles as level -1."""
    levels, level, count = [(_BUNDLES, size)], 0, size
    while count > 0:
        levels.append((level, count))
        level, count = level + 1, count // _WIDTH
    return levels
