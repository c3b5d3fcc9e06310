"""The verification of a whole archive, offline: what ``sealtrail verify`` does, by a second program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from ._inventory import HEADS, Inventory, take_inventory
from ._trail import TrailVerification
from .errors import SealtrailError
from .note import Verifier, ml_dsa_key_id, parse_checkpoint, parse_note, parse_vkey
from .record import Record, is_trail
from .trust import TrustedKey, keys_of_trail

#: Kinds of problems that leave something open; all others are damage (docs/problems.md).
OPEN_KINDS = frozenset(
    [
        "missing_trail",
        "no_checkpoint",
        "no_trusted_key",
        "beyond_checkpoint",
        "stale_checkpoint",
        "unreadable",
        "missing_events",
        "producer_fork",
        "unvouched_key",
        "extension_lines",
        "future_time",
    ]
)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: its kind (docs/problems.md), the object, and what is wrong with it."""

    kind: str
    object: str
    message: str


@dataclass
class Report:
    """What a verification found.

    ``verdict`` is ``ok``, ``incomplete`` (nothing contradicts itself, but something is not proven) or ``damaged``.
    ``proven`` has, by trail, the number of records under a checkpoint that a trusted key signed. ``not_checked`` names what
    this program leaves to ``sealtrail verify``.
    """

    log_name: str | None = None
    problems: list[Problem] = field(default_factory=list)
    proven: dict[str, int] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``ok``, ``incomplete`` or ``damaged``."""
        if not self.problems:
            return "ok"
        return "incomplete" if all(one.kind in OPEN_KINDS for one in self.problems) else "damaged"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        problems = [vars(problem) for problem in self.problems]
        return {
            "verdict": self.verdict,
            "logName": self.log_name,
            "proven": self.proven,
            "problems": problems,
            "notChecked": self.not_checked,
        }


def verify_archive(
    folder: str | Path,
    trust: Sequence[TrustedKey],
    *,
    log_name: str | None = None,
    kept: Sequence[str] = (),
    on_trail: Callable[[str, int], None] = lambda trail, size: None,
) -> Report:
    """Verifies every object of an archive in a folder.

    Each record, hash, tile, bundle, checkpoint and key is compared with all others, and signatures with the keys that are
    trusted (:func:`sealtrail.trust.parse_trusted_keys`). ``kept`` are checkpoints from elsewhere, as signed notes: without
    one, a log that was set back to an earlier state looks whole. ``on_trail`` gets each trail and its records, when done.

    Raises :class:`SealtrailError` with ``usage`` if no key is given, ``not_found`` if there is no trail; OSError if the
    folder cannot be read.

    >>> report = verify_archive("archive", parse_trusted_keys(open("log.pem").read()))
    >>> report.verdict
    'ok'
    """
    if not trust:
        raise SealtrailError("usage", "an archive is verified with at least one trusted key")
    run = _Run(Path(folder), trust, log_name)
    if not run.inventory.trails and not run.inventory.keys:
        raise SealtrailError("not_found", "there is no trail here: is this the folder of an archive?")
    run.take_kept(kept)
    # The system's own trails first: they state what the others must be.
    for trail in sorted(run.inventory.trails, key=lambda name: (not name.startswith("_"), name)):
        on_trail(trail, run.verify_trail(trail))
    run.check_trails()
    return run.report


class _Run:
    """One verification under way."""

    def __init__(self, root: Path, trust: Sequence[TrustedKey], log_name: str | None) -> None:
        self._root, self._trust = root, trust
        self.report = Report()
        self.inventory: Inventory = take_inventory(root, self._add)
        self.report.not_checked += [f"{name}: no objects of an archive" for name in self.inventory.left_out]
        self._archived = self._read_keys()
        self._log_name = self.report.log_name = log_name or _name_of(trust) or self._find_name()
        self._signed: set[bytes] = set()
        self._kept: dict[str, list[tuple[int, bytes, str]]] = {}
        self._begun: set[str] = set()
        for one in self._archived:
            trail = one.name.rpartition("/")[2]
            if one.name != f"{self._log_name}/{trail}" or not is_trail(trail):
                self._add("malformed_key", f"keys/{one.key_id.hex()}.vkey", f"{one.name} is no trail of this log")

    def _add(self, kind: str, name: str, message: str) -> None:
        self.report.problems.append(Problem(kind, name, message))

    def _read_keys(self) -> list[Verifier]:
        found = []
        for key_id, forms in sorted(self.inventory.keys.items()):
            name = f"keys/{key_id}"
            for form in sorted({"vkey", "pem"} - forms):
                self._add("missing_key", f"{name}.{form}", "a key has two files, and this one is missing")
            if "vkey" not in forms:
                continue
            try:
                text = (self._root / f"{name}.vkey").read_bytes().decode()
                second = ml_dsa_key_id(text)
                if second is not None and second.hex() == key_id:
                    self.report.not_checked.append(f"the lines by the ML-DSA-44 key {key_id}: sealtrail verify --ml-dsa-key")
                    continue
                verifier = parse_vkey(text)
                if text != f"{verifier.vkey}\n" or verifier.key_id.hex() != key_id:
                    raise SealtrailError("malformed_key", "the file does not hold the vkey that its name says")
                if "pem" in forms and not self._is_pem(f"{name}.pem", verifier):
                    self._add("malformed_key", f"{name}.pem", "it does not hold the same key as the vkey beside it")
            except (SealtrailError, UnicodeError) as error:
                self._add("malformed_key", f"{name}.vkey", str(error))
                continue
            found.append(verifier)
        return found

    def _is_pem(self, name: str, verifier: Verifier) -> bool:
        return (self._root / name).read_bytes() == verifier.pem.encode()

    def _find_name(self) -> str | None:
        """The name of the log as a checkpoint has it, of those that a trusted key signed if there is one."""
        unproven = None
        for trail, files in sorted(self.inventory.trails.items()):
            newest = files.checkpoints[max(files.checkpoints)] if files.checkpoints else None
            for name in (files.newest, newest):
                if name is None:
                    continue
                try:
                    note = parse_note((self._root / name).read_bytes())
                    origin = parse_checkpoint(note.text).origin
                    if not origin.endswith(f"/{trail}"):
                        continue
                    keys = {one.verifier.key_id: one.verifier for one in keys_of_trail(self._trust, origin, trail)}
                except SealtrailError:
                    continue
                log = origin[: -len(trail) - 1]
                lines = [one for one in note.signatures if one.name == origin and one.key_id in keys]
                if lines and all(keys[one.key_id].holds(note.text.encode(), one.signature) for one in lines):
                    return log
                unproven = unproven or log
        return unproven

    def take_kept(self, notes: Sequence[str]) -> None:
        """Takes in checkpoints from elsewhere, which the archive must contain."""
        for i, note in enumerate(notes):
            checkpoint = parse_checkpoint(parse_note(note).text)
            trail = checkpoint.origin.rpartition("/")[2]
            keys = keys_of_trail(self._trust, checkpoint.origin, trail)
            signed = [one for one in parse_note(note).signatures if one.name == checkpoint.origin]
            if not any(
                key.verifier.key_id == one.key_id and key.verifier.holds(parse_note(note).text.encode(), one.signature)
                for key in keys
                for one in signed
            ):
                raise SealtrailError("bad_signature", f"no trusted key signed the kept checkpoint {i + 1}")
            self._kept.setdefault(trail, []).append((checkpoint.size, checkpoint.root, f"kept checkpoint {i + 1}"))

    def verify_trail(self, trail: str) -> int:
        """Verifies one trail. Returns the number of records that were read."""
        origin = f"{self._log_name}/{trail}"
        try:
            trusted = keys_of_trail(self._trust, origin, trail)
        except SealtrailError:
            trusted = []  # The log calls itself something that no key can be named.
        # One key signs under a name for each trail; the ID of a P-256 key is the same for all of them.
        known = {one.key_id: one for one in self._archived}
        for one in self._archived:
            renamed = one.renamed(origin) if trusted else one
            known[renamed.key_id] = renamed
        one_trail = TrailVerification(
            self._root, self.inventory.trails[trail], origin, trusted, known, self._add, self._kept.get(trail, ())
        )
        one_trail.on_record = self._note_record if trail in ("_system", HEADS) else one_trail.on_record
        one_trail.run()
        self.report.proven[trail] = one_trail.proven
        self._signed |= one_trail.signed_by
        for size, _, name in self._kept.get(trail, ()):
            if size > max(self.inventory.trails[trail].checkpoints, default=0):
                self._add("rolled_back", f"{trail}/", f"{name} is of {size} records, more than the archive proves")
        for key_id in one_trail.signed_by:
            if key_id.hex() not in self.inventory.keys:
                self._add("missing_key", f"keys/{key_id.hex()}.vkey", "a key that signed checkpoints is not there")
        return one_trail.size

    def _note_record(self, record: Record) -> None:
        event = record.event
        resource = event.get("resource")
        named = resource.get("id") if isinstance(resource, dict) else None
        if not isinstance(named, str) or event.get("type") not in ("trail.began", "trail.head"):
            return
        self._begun.add(named)
        details = event.get("details")
        if record.trail == HEADS and isinstance(details, dict) and isinstance(details.get("size"), int):
            try:
                root = bytes.fromhex(str(details.get("root")))
            except ValueError:
                return  # No head: only the log appends to this trail, and it states none without a root.
            self._kept.setdefault(named, []).append((details["size"], root, f"record {record.seq} of {HEADS}"))

    def check_trails(self) -> None:
        """Every trail is there that a key, ``_system`` or ``_heads`` says there is, and every key is vouched for."""
        expected = set(self._begun) | {one.trail for one in self._trust if one.trail}
        names = [one.name for one in self._trust if one.name] + [one.name for one in self._archived]
        prefix = f"{self._log_name}/"
        expected |= {name[len(prefix) :] for name in names if name.startswith(prefix)}
        for trail in sorted((expected | set(self._kept)) - set(self.inventory.trails)):
            kind = "rolled_back" if trail in self._kept else "missing_trail"
            self._add(kind, f"{trail}/", "the archive holds nothing of this trail")
        for one in self._archived:
            is_vouched = any(key.verifier.is_same_key(one) for key in self._trust)
            if not is_vouched and one.key_id not in self._signed:
                self._add("unvouched_key", f"keys/{one.key_id.hex()}.vkey", "no trusted key vouches for it")
        if any(files.timestamps for files in self.inventory.trails.values()):
            self.report.not_checked.append("time-stamps (*.tsr): sealtrail verify --tsa-ca")
        if HEADS in self.inventory.trails:
            self.report.not_checked.append("cosignatures of witnesses: sealtrail verify --policy")


def _name_of(trust: Sequence[TrustedKey]) -> str | None:
    """The log's name that the trusted vkeys agree on."""
    names = {one.name.rpartition("/")[0] for one in trust if one.name and "/" in one.name}
    return names.pop() if len(names) == 1 else None
