"""Hashes and proofs against the vectors of transparency-dev/merkle and golang.org/x/mod."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Callable

import pytest

from sealtrail import SealtrailError, check_consistency, check_inclusion, check_range, leaf_hash
from sealtrail.tree import EMPTY_ROOT, Frontier, node_hash, root_of

Vectors = Callable[[str], Any]


def _raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except SealtrailError:
        return False
    return True


def test_inclusion_proofs_of_others_hold_or_fail_as_they_say(vectors: Vectors) -> None:
    cases = vectors("merkle/inclusion.json")["cases"]
    assert len(cases) > 50
    for one in cases:
        args = (
            _raw(one["leafHash"]),
            one["leafIdx"],
            one["treeSize"],
            [_raw(p) for p in one["proof"] or []],
            _raw(one["root"]),
        )
        assert _holds(lambda args=args: check_inclusion(*args)) is not one["wantErr"], one["desc"]


def test_consistency_proofs_of_others_hold_or_fail_as_they_say(vectors: Vectors) -> None:
    cases = vectors("merkle/consistency.json")["cases"]
    assert len(cases) > 50
    for one in cases:
        proof = [_raw(p) for p in one["proof"] or []]
        args = (one["size1"], _raw(one["root1"]), one["size2"], _raw(one["root2"]), proof)
        # A tree without leaves is the beginning of every tree: RFC 6962 has no proof of it, and some refuse to check one.
        if one["size1"] > 0:
            assert _holds(lambda args=args: check_consistency(*args)) is not one["wantErr"], one["desc"]


def test_roots_are_those_of_go(vectors: Vectors) -> None:
    frontier, size = Frontier(), 0
    for one in vectors("merkle/go-tlog.json")["roots"]:
        while size < one["size"]:
            frontier.add(leaf_hash(f"leaf {size}".encode()))
            size += 1
        assert frontier.root() == _raw(one["root"])


def _mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(_mth(leaves[:k]), _mth(leaves[k:]))


def _range(leaves: list[bytes], low: int, first: int, end: int) -> list[bytes]:
    """docs/spec.md, "Range proofs", as it is written there."""
    high = low + len(leaves)
    if first <= low and high <= end:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right, middle = leaves[:k], leaves[k:], low + k
    if end <= middle:
        return [*_range(left, low, first, end), _mth(right)]
    if first >= middle:
        return [*_range(right, middle, first, end), _mth(left)]
    return [*_range(left, low, first, end), *_range(right, middle, first, end)]


def test_every_range_of_every_small_tree_is_proven_and_no_other() -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(17)]
    for size in range(1, 18):
        root = root_of(leaves[:size])
        assert root == _mth(leaves[:size])
        for first in range(size):
            for end in range(first + 1, size + 1):
                proof = _range(leaves[:size], 0, first, end)
                check_range(leaves[first:end], first, size, proof, root)
                assert not _holds(lambda f=first, e=end, p=proof, s=size, r=root: check_range(leaves[f:e], f, s, [*p, r], r))
                if proof:
                    assert not _holds(lambda f=first, e=end, p=proof, s=size, r=root: check_range(leaves[f:e], f, s, p[:-1], r))


@pytest.mark.parametrize(("first", "count", "size"), [(0, 0, 3), (2, 2, 3), (-1, 1, 3), (0, 1, 2**53)])
def test_ranges_that_cannot_be_are_refused(first: int, count: int, size: int) -> None:
    with pytest.raises(SealtrailError, match="proof_mismatch"):
        check_range([EMPTY_ROOT] * count, first, size, [], EMPTY_ROOT)
