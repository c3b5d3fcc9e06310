"""Checks of single records: receipts, proof files and consistency files (docs/spec.md, "Proof files")."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .encoding import canonical_json, count_from, from_base64, hash_from_base64, parse_json
from .errors import SealtrailError
from .note import Checkpoint, Verifier, open_checkpoint, parse_checkpoint, parse_note
from .record import Record, parse_record
from .tree import MAX_PATH, check_consistency, check_inclusion, check_range, leaf_hash

#: The public keys that are trusted for a checkpoint, by its origin and its size in records.
Trust = Callable[[str, int], Sequence[Verifier]]

_HEX = re.compile("[0-9a-f]{64}")


def checkpoint_of(note: str, trail: str, trust: Trust) -> Checkpoint:
    """Opens a checkpoint of a trail with the keys that are trusted for it. Raises ``bad_signature``, ``proof_mismatch``."""
    try:
        # Not to be believed before open_checkpoint has said so: it only tells which keys to look for.
        claimed = parse_checkpoint(parse_note(note).text)
        if not claimed.origin.endswith(f"/{trail}"):
            raise SealtrailError("proof_mismatch", f"the checkpoint is of {claimed.origin}, not of the trail {trail}")
        return open_checkpoint(note, claimed.origin, trust(claimed.origin, claimed.size))
    except SealtrailError as cause:
        if cause.code in ("bad_signature", "proof_mismatch"):
            raise
        raise SealtrailError("proof_mismatch", cause.message) from cause


def check_receipt(receipt: Mapping[str, Any], trail: str, count: int, trust: Trust) -> Checkpoint | None:
    """Checks that a receipt is for ``count`` events of a trail, and that it proves what it says.

    Consecutive records, each line of which hashes to its leaf, are under a checkpoint that a trusted key signed.
    Returns that checkpoint, or None for a receipt that is not sealed yet.
    Raises ``proof_mismatch`` and ``bad_signature``: do not trust such a receipt, and keep it.
    """
    try:
        return _check_receipt(receipt, trail, count, trust)
    except SealtrailError as cause:
        if cause.code == "bad_signature":
            raise
        raise SealtrailError("proof_mismatch", f"the receipt is wrong: {cause.message}") from cause
    except (KeyError, TypeError, AttributeError, ValueError) as cause:
        raise SealtrailError("proof_mismatch", "the receipt does not have the shape of one") from cause


def _check_receipt(receipt: Mapping[str, Any], trail: str, count: int, trust: Trust) -> Checkpoint | None:
    first, events = receipt["first"], receipt["events"]
    if not isinstance(first, int) or receipt["trail"] != trail:
        raise _wrong(f"it is for the trail {receipt['trail']}, not {trail}")
    if receipt["count"] != count or len(events) != count:
        raise _wrong(f"it is for {len(events)} events, and {count} were sent")
    leaves = []
    for i, event in enumerate(events):
        if event["seq"] != first + i or _HEX.fullmatch(event["hash"]) is None:
            raise _wrong(f"event {i} is not record {first + i}")
        leaves.append(bytes.fromhex(event["hash"]))
    lines = receipt.get("lines")
    if lines is not None:
        _check_lines(lines, trail, first, events, leaves)
    if receipt["sealed"] is not True:
        return None
    proof = [hash_from_base64(one, "proof_mismatch", "a hash of its proof") for one in receipt["proof"]]
    checkpoint = checkpoint_of(receipt["checkpoint"], trail, trust)
    check_range(leaves, first, checkpoint.size, proof, checkpoint.root)
    return checkpoint


def _check_lines(
    lines: Sequence[str], trail: str, first: int, events: Sequence[Mapping[str, Any]], leaves: Sequence[bytes]
) -> None:
    if len(lines) != len(leaves):
        raise _wrong(f"it holds {len(lines)} lines for {len(leaves)} events")
    for i, (line, leaf) in enumerate(zip(lines, leaves)):
        record = parse_record(line)
        if leaf_hash(line.encode()) != leaf:
            raise _wrong(f"the line of record {first + i} has another hash")
        if (record.trail, record.seq, record.event.get("id")) != (trail, first + i, events[i]["id"]):
            raise _wrong(f"the line of record {first + i} is that of another record")


def check_proof(line: bytes | str, proof: bytes | str, trust: Trust) -> tuple[Record, Checkpoint]:
    """Checks a C2SP tlog-proof for a record line, which is given without a line end.

    Returns the record and the checkpoint that covers it.
    Raises ``malformed_proof``, ``malformed_record``, ``proof_mismatch`` and ``bad_signature``.

    >>> record, checkpoint = check_proof(line, proof, lambda origin, size: [parse_vkey(vkey)])
    """
    index, path, note = parse_proof(proof)
    record = parse_record(line)
    checkpoint = checkpoint_of(note, record.trail, trust)
    if record.seq != index:
        raise SealtrailError("proof_mismatch", f"the proof is for record {index}, and the line is record {record.seq}")
    raw = line.encode() if isinstance(line, str) else line
    check_inclusion(leaf_hash(raw), index, checkpoint.size, path, checkpoint.root)
    return record, checkpoint


def parse_proof(proof: bytes | str) -> tuple[int, list[bytes], str]:
    """Reads a C2SP tlog-proof: the index, the audit path and the checkpoint. Raises ``malformed_proof``."""
    try:
        text = proof.decode("utf-8") if isinstance(proof, bytes) else proof
    except UnicodeError as cause:
        raise _malformed("it is not UTF-8") from cause
    head, empty, note = text.partition("\n\n")
    version, *lines = head.split("\n")
    if version != "c2sp.org/tlog-proof@v1" or not empty:
        raise _malformed("it does not begin like a C2SP tlog-proof")
    extra = lines.pop(0)[len("extra ") :] if lines and lines[0].startswith("extra ") else None
    if extra is not None and not from_base64(extra, "malformed_proof", "its extra data"):
        raise _malformed("its extra data is empty")
    if not lines or not lines[0].startswith("index "):
        raise _malformed("it has no index")
    index = count_from(lines.pop(0)[len("index ") :], "malformed_proof", "the index")
    if len(lines) > MAX_PATH:
        raise _malformed(f"it has more than {MAX_PATH} hashes")
    return index, [hash_from_base64(one, "malformed_proof", "a hash of the proof") for one in lines], note


def check_consistency_file(data: bytes | str, trust: Trust) -> tuple[Checkpoint, Checkpoint]:
    """Checks a consistency file: both checkpoints are signed, and the second extends the first. Returns the two.

    Raises ``proof_mismatch`` and ``bad_signature``.
    """
    value = parse_json(data, "proof_mismatch", "the consistency file")
    try:
        old, new = (str(value["checkpoints"][name]) for name in ("from", "to"))
        proof = [hash_from_base64(one, "proof_mismatch", "a hash of the proof") for one in value["proof"]]
        trail = parse_checkpoint(parse_note(new).text).origin.rpartition("/")[2]
    except (KeyError, TypeError, AttributeError) as cause:
        raise SealtrailError("proof_mismatch", "it does not have the shape of a consistency file") from cause
    before, after = checkpoint_of(old, trail, trust), checkpoint_of(new, trail, trust)
    if before.origin != after.origin:
        raise SealtrailError("proof_mismatch", "the two checkpoints are of two logs")
    check_consistency(before.size, before.root, after.size, after.root, proof)
    return before, after


def producer_link(event_id: str, producer: Mapping[str, Any]) -> str:
    """The link by which a producer's next event names this one (docs/spec.md, "Numbering by producers")."""
    return hashlib.sha256(canonical_json({"id": event_id, "producer": dict(producer)})).hexdigest()


def _wrong(message: str) -> SealtrailError:
    return SealtrailError("proof_mismatch", message)


def _malformed(message: str) -> SealtrailError:
    return SealtrailError("malformed_proof", message)
