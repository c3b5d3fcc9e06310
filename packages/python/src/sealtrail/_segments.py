"""Reading segments: gzip members of record lines, in bounded memory (RFC 1952; docs/spec.md, "Archive")."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from .errors import SealtrailError
from .record import MAX_RECORD_BYTES

#: The header that the archive writes: nothing in it is under the checksum, so it is fixed to the bit.
_HEADER = bytes([0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0, 3])
_CHUNK = 1 << 18
#: No segment is larger, packed.
_MAX_PACKED = 128 << 20
#: A segment is full at so many records or bytes.
FULL_RECORDS, FULL_BYTES = 50_000, 16_000_000
_MAX_UNPACKED = FULL_BYTES + 2 * MAX_RECORD_BYTES


def lines_of(file: Path) -> Iterator[bytes]:
    """The record lines of a segment, without line ends. Raises ``malformed_segment``, ``trailing_bytes``, ``too_large``."""
    rest = b""
    for chunk in _unpack(file):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if len(rest) > MAX_RECORD_BYTES:
            raise SealtrailError("too_large", "a line is longer than any record")
        yield from lines
    if rest:
        raise SealtrailError("malformed_segment", "its last line has no line feed")


def _unpack(file: Path) -> Iterator[bytes]:
    if file.stat().st_size > _MAX_PACKED:
        raise SealtrailError("too_large", "it is larger than any segment")
    inflate = zlib.decompressobj(wbits=31)
    total = 0
    with file.open("rb") as source:
        if source.read(len(_HEADER)) != _HEADER:
            raise SealtrailError("malformed_segment", "it does not begin with the gzip header that the archive writes")
        source.seek(0)
        data = source.read(_CHUNK)
        while data and not inflate.eof:
            chunk = _inflate(inflate, data)
            total += len(chunk)
            if total > _MAX_UNPACKED:
                raise SealtrailError("too_large", "it unpacks to more than any segment")
            yield chunk
            data = inflate.unconsumed_tail or (b"" if inflate.eof else source.read(_CHUNK))
        if not inflate.eof:
            raise SealtrailError("malformed_segment", "its gzip data has no end")
        if inflate.unused_data or source.read(1):
            raise SealtrailError("trailing_bytes", "bytes stand behind the end of its gzip data")


def _inflate(inflate: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflate.decompress(data, _CHUNK)
    except zlib.error as cause:
        raise SealtrailError("malformed_segment", f"it does not unpack: {cause}") from cause
