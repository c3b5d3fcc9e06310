"""The standard ``logging`` module as a source of events."""

from __future__ import annotations

import logging
from typing import Any

from .._calls import Calls

_SEVERITIES = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (0, "debug"))


class SealtrailHandler(logging.Handler):
    """Logs records of the ``logging`` module as ``log.record`` events, with the level as their severity.

    >>> logging.getLogger("app.security").addHandler(SealtrailHandler(audit))
    >>> logging.getLogger("app.security").warning("door open", extra={"audit": {"type": "door.opened", "actor": "alice"}})

    ``extra={"audit": {...}}`` gives fields of the event. With ``only_marked`` records without it are passed over.
    """

    def __init__(self, audit: Calls, level: int = logging.NOTSET, *, only_marked: bool = False) -> None:
        super().__init__(level)
        self._audit, self._only_marked = audit, only_marked

    def emit(self, record: logging.LogRecord) -> None:
        """Logs a record. What goes wrong is told as the module tells of its handlers."""
        own = getattr(record, "audit", None)
        if (self._only_marked and own is None) or record.name.split(".")[0] == "sealtrail":
            return  # Our own lines tell of a log that does not answer: to log them would not end.
        try:
            fields: dict[str, Any] = dict(own or {})
            details = {
                "logger": record.name,
                "file": record.pathname,
                "line": record.lineno,
                **(fields.pop("details", None) or {}),
            }
            if record.exc_info and record.exc_info[1] is not None:
                details["error"] = record.exc_info[1]
            severity = next(name for least, name in _SEVERITIES if record.levelno >= least)
            given = {"severity": severity, "description": record.getMessage()[:8192], **fields, "details": details}
            self._audit.log(given.pop("type", "log.record"), **given)
        except Exception:
            self.handleError(record)
