"""Signed notes, keys and checkpoints: C2SP signed-note and tlog-checkpoint, and docs/spec.md ("Signed notes")."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Union

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from .encoding import count_from, from_base64, hash_from_base64, to_base64
from .errors import SealtrailError

_MAX_UNITS = 1_000_000
_MAX_SIGNATURES = 100
#: Unicode White_Space: a key's name has none of it, and no plus sign (C2SP signed-note).
_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_SIGNATURE_LINE = re.compile(r"— ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_PublicKey = Union[ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey]


@dataclass(frozen=True)
class Signature:
    """One signature line: the key's name, its ID (4 bytes) and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A text, which ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]


class Verifier:
    """A public key under a name, Ed25519 (type 0x01) or ECDSA on P-256 (0x02)."""

    def __init__(self, name: str, key: _PublicKey) -> None:
        if not name or _SPACE.search(name) or "+" in name or _CONTROL.search(name):
            raise SealtrailError("malformed_key", "a key's name is not empty, and has no space and no plus sign")
        self.name = name
        self._key = key
        if isinstance(key, ed25519.Ed25519PublicKey):
            raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            self._typed = b"\x01" + raw
            # C2SP signed-note: SHA-256 of name, newline, type and key, its first four bytes.
            self.key_id = hashlib.sha256(name.encode() + b"\n" + self._typed).digest()[:4]
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            self._typed = b"\x02" + der
            self.key_id = hashlib.sha256(der).digest()[:4]
        else:
            raise SealtrailError("malformed_key", "a log's key is of Ed25519 or of ECDSA on P-256")

    @property
    def vkey(self) -> str:
        """``<name>+<key ID>+<base64 of type and key>``, C2SP signed-note."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self._typed)}"

    @property
    def pem(self) -> str:
        """SubjectPublicKeyInfo in PEM (RFC 7468 section 13)."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def algorithm(self) -> str:
        """``ed25519`` or ``ecdsa-p256``."""
        return "ed25519" if self._typed[0] == 1 else "ecdsa-p256"

    def renamed(self, name: str) -> Verifier:
        """The same key under another name: a log's key has the name of each trail's origin."""
        return Verifier(name, self._key)

    def is_same_key(self, other: Verifier) -> bool:
        """Whether two verifiers have one public key, whatever their names."""
        return self._typed == other._typed

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether the key made this signature over this text: RFC 8032, or ECDSA in DER over SHA-256."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, text)
            else:
                self._key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


#: A line of the log's second key: a time of 8 bytes and a signature by ML-DSA-44 (C2SP tlog-cosignature; FIPS 204).
_ML_DSA_LINE = 8 + 2420


def is_ml_dsa_line(line: Signature) -> bool:
    """Whether a signature line has the form of an ML-DSA-44 key, which this package does not check."""
    return len(line.signature) == _ML_DSA_LINE


def ml_dsa_key_id(vkey: str) -> bytes | None:
    """The ID of a vkey of ML-DSA-44 (type 0x06); None if it is another sort of key. Raises ``malformed_key``."""
    name, _, rest = vkey.rstrip("\n").partition("+")
    key_id, _, encoded = rest.partition("+")
    typed = from_base64(encoded, "malformed_key", "the key of a vkey") if encoded else b""
    if typed[:1] != b"\x06":
        return None
    found = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    if found.hex() != key_id or len(typed) != 1 + 1312:
        raise _malformed_key(f"the ID of the vkey {name} is not that of its key")
    return found


def parse_vkey(text: str) -> Verifier:
    """Reads a vkey (C2SP signed-note). Raises ``malformed_key``."""
    parts = text.strip("\n").split("+", 2)
    if len(parts) != 3:
        raise _malformed_key("a vkey has a name, an ID and a key, with a plus sign between them")
    name, key_id, encoded = parts
    typed = from_base64(encoded, "malformed_key", "the key of a vkey")
    try:
        if typed[:1] == b"\x01":
            verifier = Verifier(name, ed25519.Ed25519PublicKey.from_public_bytes(typed[1:]))
        elif typed[:1] == b"\x02":
            verifier = Verifier(name, _from_der(typed[1:]))
        else:
            raise _malformed_key("a vkey of a log is of type 1 (Ed25519) or 2 (ECDSA on P-256)")
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise _malformed_key("a vkey does not hold a public key") from cause
    if verifier.vkey != f"{name}+{key_id}+{encoded}":
        raise _malformed_key(f"the ID of the vkey {name} is not that of its key")
    return verifier


def verifier_from_pem(pem: str | bytes, name: str) -> Verifier:
    """Reads a public key (SubjectPublicKeyInfo in PEM) for a name. Raises ``malformed_key``."""
    try:
        key = serialization.load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise _malformed_key("it is not a public key in PEM") from cause
    return Verifier(name, key)  # type: ignore[arg-type]  # Verifier refuses any other sort of key.


def _from_der(der: bytes) -> _PublicKey:
    return serialization.load_der_public_key(der)  # type: ignore[return-value]  # Verifier refuses any other sort of key.


def parse_note(data: str | bytes) -> Note:
    """Reads a signed note (C2SP signed-note), checking its form alone. Raises ``malformed_note``."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        text.encode("utf-8")
    except UnicodeError as cause:
        raise _malformed_note("it is not UTF-8") from cause
    if len(text) > _MAX_UNITS or _CONTROL.search(text):
        raise _malformed_note("it is too large, or has control characters")
    at = text.rfind("\n\n")
    if at < 0 or not text.endswith("\n"):
        raise _malformed_note("it has no empty line before its signatures, or no newline at its end")
    lines = text[at + 2 : -1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise _malformed_note(f"it has more than {_MAX_SIGNATURES} signatures")
    return Note(text[: at + 1], tuple(_signature(line) for line in lines))


def _signature(line: str) -> Signature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None or _SPACE.search(match[1]) or "+" in match[1]:
        raise _malformed_note("a line is not a signature")
    raw = from_base64(match[2], "malformed_note", "a signature")
    if len(raw) < 5:
        raise _malformed_note("a signature is too short")
    return Signature(match[1], raw[:4], raw[4:])


def open_note(data: str | bytes, verifiers: Iterable[Verifier]) -> str:
    """The text of a note that one of these keys signed.

    Raises ``malformed_note``, and ``bad_signature`` if no signature of these keys is there, or any of them does not hold.
    """
    note = parse_note(data)
    known = {(one.name, one.key_id): one for one in verifiers}
    seen: set[tuple[str, bytes]] = set()
    for one in note.signatures:
        key = (one.name, one.key_id)
        verifier = known.get(key)
        if verifier is None:
            continue
        if key in seen:
            raise _malformed_note("it has two signatures by one key")
        seen.add(key)
        if not verifier.holds(note.text.encode(), one.signature):
            raise SealtrailError("bad_signature", f"the signature of {one.name}+{one.key_id.hex()} does not hold")
    if not seen:
        raise SealtrailError("bad_signature", "no trusted key has signed it")
    return note.text


@dataclass(frozen=True)
class Checkpoint:
    """A signed head of a trail: its origin (``<log name>/<trail>``), its number of records, and their root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads a checkpoint's text (C2SP tlog-checkpoint). Raises ``malformed_checkpoint``."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or "" in lines:
        raise SealtrailError("malformed_checkpoint", "a checkpoint has at least three lines, none of them empty")
    origin, size_text, root_text, *extensions = lines
    size = count_from(size_text, "malformed_checkpoint", "the size of a checkpoint")
    root = hash_from_base64(root_text, "malformed_checkpoint", "the root of a checkpoint")
    if size == 0 and root != hashlib.sha256(b"").digest():
        raise SealtrailError("malformed_checkpoint", "the root of an empty tree is the hash of nothing")
    return Checkpoint(origin, size, root, tuple(extensions))


def open_checkpoint(data: str | bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Opens a checkpoint of an origin with keys that are trusted for it, those that have its name.

    Raises ``malformed_note``, ``malformed_checkpoint``, ``bad_signature``, and ``wrong_origin``.
    """
    checkpoint = parse_checkpoint(open_note(data, [one for one in verifiers if one.name == origin]))
    if checkpoint.origin != origin:
        raise SealtrailError("wrong_origin", f"the checkpoint is of {checkpoint.origin}, not of {origin}")
    return checkpoint


def _malformed_key(message: str) -> SealtrailError:
    return SealtrailError("malformed_key", message)


def _malformed_note(message: str) -> SealtrailError:
    return SealtrailError("malformed_note", message)
