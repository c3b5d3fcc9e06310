"""Batches on disk until the log has them: each is there whole or not at all, and sent by one process at a time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import SealtrailError


@dataclass(frozen=True)
class Batch:
    """Events on their way: the body of a request, its idempotency key, and how many events are in it."""

    key: str
    body: bytes
    count: int


class Lane:
    """The batches of one process. Its lock is held while the process lives, so that no other sends what it sends."""

    def __init__(self, folder: Path, lock: IO[bytes]) -> None:
        self.folder, self._lock = folder, lock
        self._next = 1 + max((int(file.stem) for file in folder.glob("*.batch")), default=0)

    def put(self, batch: Batch) -> Path:
        """Stores a batch. It is on the disk when this returns."""
        file = self.folder / f"{self._next:012}.batch"
        self._next += 1
        head = {"key": batch.key, "count": batch.count, "sha256": hashlib.sha256(batch.body).hexdigest()}
        _write_whole(file, json.dumps(head).encode() + b"\n" + batch.body)
        return file

    def stored(self) -> list[Path]:
        """The files of batches, in the order of their events."""
        return sorted(self.folder.glob("*.batch"))

    def remove(self, file: Path) -> None:
        """Forgets a batch that the log has."""
        file.unlink()

    def set_aside(self, file: Path) -> None:
        """Keeps a batch that cannot be sent, where a person finds it."""
        file.replace(self.folder.parent / f"refused-{self.folder.name}-{file.name}")

    def close(self) -> None:
        """Gives the lane up, and removes it if it is empty."""
        is_empty = not self.stored()
        if is_empty:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def read_batch(file: Path) -> Batch:
    """Reads a stored batch. Raises ``store_corrupt`` if it is not what was stored."""
    head_line, _, body = file.read_bytes().partition(b"\n")
    try:
        head = json.loads(head_line)
        if head["sha256"] == hashlib.sha256(body).hexdigest():
            return Batch(str(head["key"]), body, int(head["count"]))
    except (ValueError, KeyError, TypeError):
        pass
    raise SealtrailError("store_corrupt", f"{file} is not the batch that was stored")


def open_lane(spool: Path) -> Lane:
    """A lane of one's own."""
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = spool / f"py-{uuid.uuid4()}"
    folder.mkdir(mode=0o700)
    lock = _lock(folder)
    if lock is None:
        raise SealtrailError("store_corrupt", f"{folder} was just made, and is locked")
    return Lane(folder, lock)


def abandoned_lanes(spool: Path) -> Iterator[Lane]:
    """The lanes of processes that are gone."""
    for folder in sorted(spool.glob("py-*")):
        lock = _lock(folder)
        if lock is not None:
            yield Lane(folder, lock)


def _lock(folder: Path) -> IO[bytes] | None:
    """Locks a lane until the file is closed or the process ends, however it ends. None if another holds it."""
    try:
        file = (folder / "lock").open("a+b")
    except FileNotFoundError:
        return None  # Its process has just ended and removed it.
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _write_whole(file: Path, data: bytes) -> None:
    unfinished = file.with_suffix(".new")
    with unfinished.open("wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    unfinished.replace(file)
    if sys.platform != "win32":  # Windows has no folders to sync.
        descriptor = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
