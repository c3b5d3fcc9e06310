"""Hashes and proofs of Merkle trees: RFC 6962 section 2.1, and docs/spec.md ("Range proofs")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Callable

from .errors import SealtrailError

#: The hash of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1).
EMPTY_ROOT = hashlib.sha256(b"").digest()
#: The largest size of a tree: whole numbers that JSON readers agree on (RFC 8785 section 3.2.2.3).
MAX_SIZE = 2**53 - 1
#: No inclusion proof has more hashes: the levels of the largest tree.
MAX_PATH = 53


def leaf_hash(line: bytes) -> bytes:
    """The leaf hash of a record line: SHA-256 of 0x00 and the line (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256 of 0x01 and both hashes (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree, the widest first: all that is needed to add leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._row: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Adds a leaf hash."""
        index, node = self.size, leaf
        while index & 1:
            node, index = node_hash(self._row.pop(), node), index >> 1
        self._row.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root at this size."""
        if not self._row:
            return EMPTY_ROOT
        node = self._row[-1]
        for left in self._row[-2::-1]:
            node = node_hash(left, node)
        return node


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Checks that a leaf is at ``index`` (from 0) of the tree of ``size`` leaves (RFC 6962 section 2.1.1).

    Raises :class:`SealtrailError` with ``proof_mismatch`` if the path does not show that.
    """
    check_range([leaf], index, size, path, root)


def check_range(leaves: Sequence[bytes], first: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Checks that consecutive leaves begin at ``first`` (from 0) of the tree of ``size`` leaves.

    Raises :class:`SealtrailError` with ``proof_mismatch`` if the proof does not show that. For one leaf the proof is the
    audit path of RFC 6962 section 2.1.1.
    """
    end = first + len(leaves)
    if not leaves or first < 0 or end > size or size > MAX_SIZE:
        raise _mismatch(f"records {first} to {end - 1} are not in a tree of {size}")
    if any(len(one) != 32 for one in (*leaves, root)):
        raise _mismatch("a hash has 32 bytes")
    rest = _hashes(proof, 2 * MAX_PATH)

    def walk(low: int, high: int) -> bytes:
        if first <= low and high <= end:
            return root_of(leaves[low - first : high - first])
        middle = low + _split(high - low)
        if end <= middle:  # RFC 6962: the sibling's hash comes after those of the half that it joins.
            node = walk(low, middle)
            return node_hash(node, next(rest))
        if first >= middle:
            node = walk(middle, high)
            return node_hash(next(rest), node)
        left = walk(low, middle)
        return node_hash(left, walk(middle, high))

    _expect(lambda: walk(0, size) == root, rest, "the proof does not lead to the root")


def check_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Checks that the tree of ``size`` leaves begins with that of ``old_size`` (RFC 6962 section 2.1.2).

    Raises :class:`SealtrailError` with ``proof_mismatch`` if it does not, or if that is not shown.
    """
    if not 0 <= old_size <= size <= MAX_SIZE:
        raise _mismatch(f"a tree of {size} does not begin with one of {old_size}")
    rest = _hashes(proof, 2 * MAX_PATH)

    def walk(old: int, new: int, whole: bool) -> tuple[bytes, bytes]:
        if old == new:
            node = old_root if whole else next(rest)
            return node, node
        middle = _split(new)
        if old <= middle:
            before, after = walk(old, middle, whole)
            return before, node_hash(after, next(rest))
        before, after = walk(old - middle, new - middle, False)
        left = next(rest)
        return node_hash(left, before), node_hash(left, after)

    def holds() -> bool:
        if old_size == 0:
            return old_root == EMPTY_ROOT and (size > 0 or root == EMPTY_ROOT)
        return walk(old_size, size, True) == (old_root, root)

    _expect(holds, rest, "the two trees are not of one history")


def _split(count: int) -> int:
    """The largest power of two smaller than count."""
    return 1 << ((count - 1).bit_length() - 1)


def _hashes(proof: Sequence[bytes], most: int) -> Iterator[bytes]:
    if len(proof) > most or any(len(one) != 32 for one in proof):
        raise _mismatch("the proof is not a list of hashes")
    return iter(proof)


def _expect(holds: Callable[[], bool], rest: Iterator[bytes], otherwise: str) -> None:
    try:
        if holds() and next(rest, None) is None:
            return
    except StopIteration:
        pass  # The proof is too short.
    raise _mismatch(otherwise)


def _mismatch(message: str) -> SealtrailError:
    return SealtrailError("proof_mismatch", message)
