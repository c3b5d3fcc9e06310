"""The error that everything here raises."""

from __future__ import annotations


class SealtrailError(Exception):
    """Something that went wrong, with a stable code.

    ``code`` is for programs to branch on: those of the log's answers, such as ``forbidden``, ``invalid_event`` and
    ``rate_limited``, and those of checks, such as ``bad_signature`` and ``proof_mismatch``. ``field`` names the part of a
    request that is at fault, and ``retry_after`` is the wait that the log asks for, in seconds.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"

    @property
    def message(self) -> str:
        """The text without the code."""
        return super().__str__()
