"""The verification of one trail of an archive (docs/spec.md, "Verifying")."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Callable

from ._inventory import Segment, TrailFiles
from ._producers import Producers
from ._segments import FULL_BYTES, FULL_RECORDS, lines_of
from ._tiles import TileChecks
from .encoding import is_canonical, parse_json
from .errors import SealtrailError
from .note import Checkpoint, Note, Verifier, is_ml_dsa_line, parse_checkpoint, parse_note
from .record import MAX_RECORD_BYTES, Record, record_of
from .tree import EMPTY_ROOT, Frontier, leaf_hash
from .trust import TrustedKey

#: How far a record's time may be ahead of this clock, in milliseconds, before one of the two must be wrong.
_MAX_AHEAD_MS = 300_000

Report = Callable[[str, str, str], None]


class TrailVerification:
    """Reads all of a trail once, in order, in memory that does not grow with its records."""

    def __init__(
        self, root: Path, files: TrailFiles, origin: str, trusted: Sequence[TrustedKey], known: Mapping[bytes, Verifier],
        report: Report, kept: Sequence[tuple[int, bytes, str]] = (),
    ) -> None:  # fmt: skip
        self._root, self._files, self._origin, self._report = root, files, origin, report
        self._trusted, self._known = trusted, known
        #: Roots that must hold: size, root, and the name of what claims it.
        self._claims = list(kept)
        self._frontier = Frontier()
        self._tiles = TileChecks(root, files, report)
        self._producers = Producers()
        self._previous = bytes(32)
        self._received_at = 0
        self.on_record: Callable[[Record], None] = lambda record: None
        #: IDs of the keys whose signatures hold.
        self.signed_by: set[bytes] = set()
        #: Records that a trusted checkpoint covers, all of them read and in order.
        self.proven = 0
        self._trusted_sizes: set[int] = set()

    def run(self) -> None:
        """Verifies the trail, reporting each problem that it finds."""
        newest = self._open_checkpoints()
        self._check_newest()
        try:
            self._read_records(newest)
        except _Stopped:
            return  # What is damaged was reported, and nothing behind it is called proven.
        self._tiles.finish(newest, self._sealed(newest))
        for producer, kind, text in self._producers.findings():
            self._report(kind, f"{self._files.trail}/records/", f"{text} (producer {producer})")
        if self._received_at > time.time() * 1000 + _MAX_AHEAD_MS:
            self._report("future_time", f"{self._files.trail}/records/", "the newest record was received in the future")

    # ------------------------------------------------------------------------------------------- checkpoints

    def _open_checkpoints(self) -> int:
        """Opens every archived checkpoint. Returns the size of the newest."""
        newest = 0
        for size, name in sorted(self._files.checkpoints.items()):
            checkpoint = self._open(name)
            if checkpoint is None:
                continue
            if checkpoint.size != size:
                self._report("misplaced_checkpoint", name, f"it is of {checkpoint.size} records, its name says {size}")
                continue
            self._claims.append((size, checkpoint.root, name))
            newest = max(newest, size)
        for size, name in self._files.witnessed.items():
            self._check_witnessed(size, name)
        if not self._files.checkpoints:
            self._report("no_checkpoint", f"{self._files.trail}/checkpoints/", "the trail has no checkpoint")
        if not self._trusted:
            self._report("no_trusted_key", f"{self._files.trail}/", "none of the given keys is trusted for this trail")
        return newest

    def _open(self, name: str) -> Checkpoint | None:
        try:
            note = parse_note((self._root / name).read_bytes())
            checkpoint = parse_checkpoint(note.text)
        except SealtrailError as error:
            self._report("malformed_checkpoint", name, error.message)
            return None
        if checkpoint.origin != self._origin:
            self._report("wrong_origin", name, f"it is of {checkpoint.origin}, not of {self._origin}")
            return None
        if checkpoint.extensions:
            self._report("extension_lines", name, "it has lines beyond size and root")
        flaw = self._judge(note, checkpoint.size)
        if flaw is not None:
            self._report(flaw[0], name, flaw[1])
            return None
        self._trusted_sizes.add(checkpoint.size)
        return checkpoint

    def _judge(self, note: Note, size: int) -> tuple[str, str] | None:
        """What is wrong with the signatures of a checkpoint. Those under other names are of witnesses."""
        text, is_trusted, is_retired = note.text.encode(), False, False
        ours = {key.verifier.key_id for key in self._trusted}
        for line in note.signatures:
            if line.name != self._origin:
                continue
            keys = [key for key in self._trusted if key.verifier.key_id == line.key_id]
            known = self._known.get(line.key_id)
            if not keys and known is None:
                if ours and self._known and not is_ml_dsa_line(line):
                    return "unknown_key", f"a signature under the log's name is by the unknown key {line.key_id.hex()}"
                continue
            holding = [key for key in keys if key.verifier.holds(text, line.signature)]
            if not (holding if keys else known is not None and known.holds(text, line.signature)):
                return "bad_signature", f"the signature by the key {line.key_id.hex()} does not hold"
            self.signed_by.add(line.key_id)
            is_trusted = is_trusted or any(key.since <= size <= key.until for key in holding)
            is_retired = is_retired or any(size > key.until for key in holding)
        if is_trusted or not self._trusted:
            return None
        if is_retired:
            return "retired_key", "a key signed it that is not trusted any more at this size"
        return "unknown_key", "no key that is trusted at this size has signed it"

    def _check_newest(self) -> None:
        """``<trail>/checkpoint`` is one of the archived checkpoints, byte for byte."""
        name = self._files.newest
        if name is None:
            return
        checkpoint = self._open(name)
        if checkpoint is None:
            return
        archived = self._files.checkpoints.get(checkpoint.size)
        if archived is None:
            object_name = f"{self._files.trail}/checkpoints/{checkpoint.size}"
            self._report("missing_checkpoint", object_name, "the sealed checkpoint is not among the archived ones")
        elif (self._root / archived).read_bytes() != (self._root / name).read_bytes():
            self._report("misplaced_checkpoint", name, f"it is not the archived checkpoint of {checkpoint.size} records")

    def _check_witnessed(self, size: int, name: str) -> None:
        """With cosignatures or without, a checkpoint of one size has one text."""
        try:
            texts = [parse_note((self._root / one).read_bytes()).text for one in (name, self._files.checkpoints[size])]
        except (SealtrailError, KeyError):
            self._report("malformed_checkpoint", name, "it is not an archived checkpoint with cosignatures")
            return
        if texts[0] != texts[1]:
            self._report("misplaced_checkpoint", name, "it is not the text of the archived checkpoint of its size")

    def _sealed(self, newest: int) -> int | None:
        """The size that ``<trail>/checkpoint`` says; None if it is missing or wrong, which is reported."""
        widths = [(index * 256 + width) for level, index, width in self._files.tiles if level == 0 and width < 256]
        if self._files.newest is None:
            if len(widths) > 1:
                self._report("missing_checkpoint", f"{self._files.trail}/checkpoint", "it is gone, and was sealed before")
            elif self._files.checkpoints:
                self._report("stale_checkpoint", f"{self._files.trail}/checkpoint", "it is not there yet")
            return None
        try:
            size = parse_checkpoint(parse_note((self._root / self._files.newest).read_bytes()).text).size
        except SealtrailError:
            return None  # Reported when it was opened.
        later = [width for width in widths if size < width <= newest]
        if later:
            kind = "rolled_back" if len(later) > 1 else "stale_checkpoint"
            self._report(kind, self._files.newest, f"partial tiles show a seal at {max(later)} records")
        return size

    # ----------------------------------------------------------------------------------------------- records

    def _read_records(self, newest: int) -> None:
        claims: dict[int, list[tuple[bytes, str]]] = {}
        for size, root, name in self._claims:
            claims.setdefault(size, []).append((root, name))
        self._compare(claims, 0)
        segments = sorted(self._files.segments, key=lambda one: (one.first, one.last))
        for at, segment in enumerate(segments):
            if segment.first != self._frontier.size:
                kind = "missing_records" if segment.first > self._frontier.size else "overlapping_records"
                self._fail(kind, segment.name, f"record {self._frontier.size} should be the first")
            size = self._read_segment(segment, claims)
            self._check_end(segment, size, segments[at + 1] if at + 1 < len(segments) else None, newest)
        if self._frontier.size < newest:
            self._fail("missing_records", f"{self._files.trail}/records/", f"no segment holds record {self._frontier.size}")
        if self._frontier.size > newest:
            name = segments[-1].name
            self._report("beyond_checkpoint", name, f"records from {newest} on are beyond the newest checkpoint")

    def _read_segment(self, segment: Segment, claims: Mapping[int, list[tuple[bytes, str]]]) -> int:
        size = 0
        try:
            for line in lines_of(self._root / segment.name):
                if self._frontier.size > segment.last:
                    self._fail("wrong_range", segment.name, "it holds more records than its name says")
                self._add(segment, line)
                size += len(line) + 1
                self._compare(claims, self._frontier.size)
        except SealtrailError as error:
            self._fail(error.code, segment.name, error.message)
        if self._frontier.size <= segment.last:
            self._fail("missing_records", segment.name, f"it ends before record {segment.last}, which its name promises")
        return size

    def _add(self, segment: Segment, line: bytes) -> None:
        seq, name = self._frontier.size, segment.name
        value = parse_json(line, "malformed_record", f"record {seq}")
        record = record_of(value, len(line))
        if not is_canonical(line, value):
            self._fail("not_canonical", name, f"record {seq} is not canonical JSON (RFC 8785)")
        if record.trail != self._files.trail:
            self._fail("wrong_trail", name, f"record {seq} is of the trail {record.trail}")
        if record.seq != seq:
            self._fail("wrong_seq", name, f"record {seq} says that it is record {record.seq}")
        if record.prev != self._previous.hex():
            self._fail("broken_chain", name, f"record {seq} does not name the hash of the record before")
        if record.received_at < self._received_at:
            self._fail("time_reversed", name, f"record {seq} was received before the record before it")
        if _day_of(record.received_at) != segment.day:
            self._fail("wrong_date", name, f"record {seq} was not received on {segment.day}")
        leaf = leaf_hash(line)
        self._previous, self._received_at = leaf, record.received_at
        self._frontier.add(leaf)
        self._tiles.add(line, leaf)
        self._producers.add(record)
        self.on_record(record)

    def _compare(self, claims: Mapping[int, list[tuple[bytes, str]]], size: int) -> None:
        for root, name in claims.get(size, []):
            if root != (self._frontier.root() if size else EMPTY_ROOT):
                kind = "root_mismatch" if name.startswith(f"{self._files.trail}/") else "history_rewritten"
                self._fail(kind, name, f"the records do not give the root of {size} records")
            if size in self._trusted_sizes and self._trusted:
                self.proven = size

    def _check_end(self, segment: Segment, size: int, following: Segment | None, newest: int) -> None:
        """A run of the archiver ends with a checkpoint; within a run a segment ends when the day does, or when it is full."""
        end = segment.last + 1
        is_full = end - segment.first >= FULL_RECORDS or size + MAX_RECORD_BYTES + 1 > FULL_BYTES
        if end >= newest or end in self._files.checkpoints or is_full or following is None or following.day != segment.day:
            return
        self._report("missing_checkpoint", f"{self._files.trail}/checkpoints/{end}", "a segment ends where no checkpoint is")

    def _fail(self, kind: str, name: str, message: str) -> None:
        self._report(kind, name, message)
        raise _Stopped

    @property
    def size(self) -> int:
        """Records that were read."""
        return self._frontier.size


class _Stopped(Exception):
    """The rest of a trail cannot be judged."""


def _day_of(milliseconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "a day beyond the calendar"
