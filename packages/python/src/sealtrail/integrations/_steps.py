"""Steps of a run of an agent: a request when it begins, and its outcome when it ends."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from .._calls import Calls
from .._content import json_of, to_serializable

#: Prompts, arguments and answers are logged up to so many characters, where they are logged at all.
_MAX_CONTENT = 12_000


class Steps:
    """Logs steps by an id of their own. Content is off by default: digests stand for it."""

    def __init__(self, audit: Calls, *, content: bool, agent: str | None, fields: dict[str, Any]) -> None:
        self._audit, self._content, self._agent, self._fields = audit, content, agent, fields
        self._begun: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, step: str, type: str, resource: dict[str, Any], given: Any, **details: Any) -> None:
        """Logs that a step begins, and what it was given."""
        fields = self._fields_of(step, resource)
        self._begun[step] = (time.monotonic(), fields)
        self._audit.log(type, **fields, details={**details, **self._shown("request", given)})

    def end(self, step: str, type: str, outcome: str, result: Any = None, **details: Any) -> None:
        """Logs how a step ended. One that is not known to have begun is logged all the same."""
        begun, fields = self._begun.pop(step, (None, self._fields_of(step, {"type": "step"})))
        took = {} if begun is None else {"durationMs": round((time.monotonic() - begun) * 1000, 1)}
        decision = {"decision": "allow"} if type.startswith("action.") else {}
        shown = {} if result is None else self._shown("response", result)
        self._audit.log(type, **fields, **decision, outcome=outcome, details={**took, **details, **shown})

    def _fields_of(self, step: str, resource: dict[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = dict(self._fields)
        context = {"action": step, **({} if self._agent is None else {"agent": self._agent}), **own.pop("context", {})}
        if self._agent is not None:
            own.setdefault("actor", {"id": self._agent, "type": "agent"})
        return {**own, "resource": resource, "context": context}

    def _shown(self, name: str, value: Any) -> dict[str, Any]:
        text = value if isinstance(value, str) else json_of(to_serializable(value)).decode()
        digest = {f"{name}Sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()}
        return {**digest, name: text[:_MAX_CONTENT]} if self._content else digest


def error_details(error: BaseException, content: bool) -> dict[str, Any]:
    """What is logged of an error: its type, and its message where content is."""
    return {"errorType": type(error).__name__, **({"error": str(error)[:1000]} if content else {})}
