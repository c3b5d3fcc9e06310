"""Appending batches to a trail, with every receipt checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ._http import SignedHttp
from ._sealed_diff import difference_from_sent
from ._spool import Batch
from .encoding import hash_from_base64
from .errors import SealtrailError
from .note import Checkpoint, Verifier, parse_vkey
from .receipt import check_receipt
from .record import parse_record
from .tree import check_consistency

#: Answers after which the same batch can never succeed.
REFUSED = frozenset(["invalid_json", "invalid_event", "record_too_large", "batch_too_large", "idempotency_conflict"])
#: What is wrong with a receipt, and with the log that gave it.
FORGED = frozenset(["proof_mismatch", "bad_signature", "malformed_record"])


class Delivery:
    """Sends batches, and checks each receipt.

    The log's signature, the proof that the events are in the tree, that the tree extends the last one seen, and that what
    was sealed is what was sent.
    """

    def __init__(self, http: SignedHttp, trail: str, keys: Sequence[str] | None) -> None:
        self._http, self._trail = http, trail
        self._given = None if keys is None else [(parse_vkey(one), None) for one in keys]
        self._keys: Sequence[tuple[Verifier, int | None]] | None = self._given
        self._newest: Checkpoint | None = None

    def send(self, batch: Batch, attempts: int = 1) -> dict[str, Any]:
        """Sends a batch. Raises what :data:`REFUSED` and :data:`FORGED` tell; after anything else: send it again."""
        answer = self._http.send(
            f"/v1/trails/{self._trail}/events",
            method="POST",
            body=batch.body,
            headers={"idempotency-key": batch.key, "prefer": "return=representation, handling=lenient"},
            attempts=attempts,
        )
        receipt = answer.json()
        checkpoint = self._check(receipt, batch.count)
        self._compare(batch, receipt)
        if checkpoint is not None:
            self._extend(checkpoint)
        return dict(receipt)

    def _check(self, receipt: Any, count: int) -> Checkpoint | None:
        is_first = self._keys is None
        if self._keys is None:
            self._keys = fetch_keys(self._http, self._trail)
        try:
            return check_receipt(receipt, self._trail, count, self._trust)
        except SealtrailError as error:
            if error.code != "bad_signature" or is_first or self._given is not None:
                raise
            self._keys = fetch_keys(self._http, self._trail)  # Keys are rotated while clients run.
            return check_receipt(receipt, self._trail, count, self._trust)

    def _trust(self, origin: str, size: int) -> list[Verifier]:
        return [one for one, last in self._keys or () if one.name == origin and (last is None or size <= last)]

    def _compare(self, batch: Batch, receipt: Any) -> None:
        lines = receipt.get("lines")
        if lines is None:
            raise SealtrailError("proof_mismatch", "the server left the records out")
        for sent, line in zip(json.loads(batch.body)["events"], lines):
            record = parse_record(line)
            path = difference_from_sent(sent, record.event)
            if path is not None:
                raise SealtrailError("proof_mismatch", f"record {record.seq} is not as it was sent: {path or 'it'} differs")

    def _extend(self, checkpoint: Checkpoint) -> None:
        """Each checkpoint must be of one history with the newest that was seen."""
        seen = self._newest
        if seen is not None:
            older, newer = sorted((seen, checkpoint), key=lambda one: one.size)
            proof = [] if older.size == newer.size else self._fetch_proof(older.size, newer.size)
            if older.origin != newer.origin:
                raise SealtrailError("proof_mismatch", f"the log was {older.origin}, and is {newer.origin}")
            check_consistency(older.size, older.root, newer.size, newer.root, proof)
        if seen is None or checkpoint.size > seen.size:
            self._newest = checkpoint

    def _fetch_proof(self, old: int, new: int) -> list[bytes]:
        try:
            answer = self._http.send(f"/v1/trails/{self._trail}/consistency", query={"from": old, "to": new}).json()
        except SealtrailError as cause:
            if cause.code != "not_found":
                raise
            raise SealtrailError("proof_mismatch", f"the log denies a checkpoint that it signed: {cause.message}") from cause
        hashes = answer.get("proof") if isinstance(answer, dict) else None
        if not isinstance(hashes, list):
            raise SealtrailError("proof_mismatch", "the server sent no consistency proof")
        return [hash_from_base64(str(one), "proof_mismatch", "a hash of the consistency proof") for one in hashes]


def fetch_keys(http: SignedHttp, trail: str) -> list[tuple[Verifier, int | None]]:
    """The keys that a log names for a trail, those that were retired with the size of the last checkpoint that they signed.

    To trust them is to trust the log this once: an auditor compares their fingerprints with ones from elsewhere.
    """
    answer = http.send("/v1/keys", query={"trail": trail}).json()
    try:
        current = [(parse_vkey(one["vkey"]), None) for one in answer["keys"]]
        return [*current, *((parse_vkey(one["vkey"]), int(one["to"])) for one in answer.get("retired", ()))]
    except (KeyError, TypeError) as cause:
        raise SealtrailError("malformed_key", "the server did not answer with keys") from cause
