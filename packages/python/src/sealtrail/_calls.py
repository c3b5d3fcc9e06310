"""Calls for what is logged often. Each is one ``log``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._handle import Handle


class Calls:
    """Convenience calls; every one takes further fields of the event by name, such as ``actor`` and ``details``."""

    def log(self, type: str, **fields: Any) -> Handle:
        """Logs an event of a type."""
        raise NotImplementedError

    def auth(self, what: str, **fields: Any) -> Handle:
        """``auth.login``, ``auth.logout``, ``auth.login_failed``, … ``audit.auth("login", actor="alice")``."""
        default = None if what in ("login_failed", "mfa_disabled") else "success"
        return self.log(f"auth.{what}", **_with(fields, outcome=default))

    def data(self, what: str, *, before: Any = None, after: Any = None, **fields: Any) -> Handle:
        """``data.read``, ``create``, ``update``, ``delete``, ``export`` or ``import``, with the state before and after."""
        if before is not None or after is not None:
            changed = {"before": before, "after": after}
            fields["changes"] = {name: value for name, value in changed.items() if value is not None}
            fields["details"] = {**_details(fields), "changed": changed_fields(before, after)}
        return self.log(f"data.{what}", **_with(fields, outcome="success"))

    def security(self, what: str, **fields: Any) -> Handle:
        """``security.alert``, ``security.threat_detected``, ``security.ip_blocked``, …"""
        return self.log(f"security.{what}", **fields)

    def request(self, **fields: Any) -> Handle:
        """A request to a language model: ``llm.request``."""
        return self.log("llm.request", **fields)

    def response(self, **fields: Any) -> Handle:
        """Its response: ``llm.response``."""
        return self.log("llm.response", **fields)

    def compliance_check(self, check: str, passed: bool, **fields: Any) -> Handle:
        """A check that fails is a ``compliance.violation``."""
        fields["details"] = {**_details(fields), "check": check}
        outcome = "success" if passed else "failure"
        return self.log("compliance.check" if passed else "compliance.violation", **_with(fields, outcome=outcome))

    def error(self, error: Any, **fields: Any) -> Handle:
        """``system.error``, with the exception in its details."""
        fields["details"] = {**_details(fields), "error": error}
        return self.log("system.error", **fields)

    def custom(self, type: str, **fields: Any) -> Handle:
        """Any type of one's own."""
        return self.log(type, **fields)

    def action_requested(
        self, action: str, *, decision: str | None = None, reasons: Sequence[str] = (), **fields: Any
    ) -> Handle:
        """What an agent asks for; with the decision ``deny`` it is ``action.denied``."""
        if reasons:
            fields["details"] = {**_details(fields), "reasons": list(reasons)}
        return self._action("denied" if decision == "deny" else "requested", action, _with(fields, decision=decision))

    def action_validated(self, action: str, **fields: Any) -> Handle:
        """``action.validated``, decision ``allow``."""
        return self._action("validated", action, _with(fields, decision="allow"))

    def action_denied(self, action: str, reasons: Sequence[str], **fields: Any) -> Handle:
        """``action.denied``, with its reasons."""
        return self.action_requested(action, decision="deny", reasons=reasons, **fields)

    def action_executed(self, action: str, duration_ms: float, **fields: Any) -> Handle:
        """``action.executed``; with an outcome other than ``success`` it is ``action.failed``. Milliseconds."""
        fields["details"] = {**_details(fields), "durationMs": duration_ms}
        what = "executed" if fields.get("outcome", "success") == "success" else "failed"
        return self._action(what, action, _with(fields, decision="allow", outcome="success"))

    def approval(self, what: str, approval: str, **fields: Any) -> Handle:
        """``approval.requested``, ``granted``, ``denied`` or ``expired``."""
        fields["context"] = {**(fields.get("context") or {}), "approval": approval}
        return self.log(f"approval.{what}", **fields)

    def budget(
        self, name: str, spent: float, limit: float, *, unit: str | None = None, warn_at: float = 80, **fields: Any
    ) -> Handle:
        """``budget.checked``, from ``warn_at`` percent on ``budget.warning``, above the limit ``budget.exceeded``."""
        percent = round(spent / limit * 100, 2) if limit > 0 else 100.0 if spent > 0 else 0.0
        state = "exceeded" if spent > limit else "warning" if percent >= warn_at else "checked"
        own = {"budget": name, "spent": spent, "limit": limit, "usagePercent": percent}
        fields["details"] = {**_details(fields), **own, **({} if unit is None else {"unit": unit})}
        return self.log(f"budget.{state}", **fields)

    def emergency_stop(self, reason: str, **fields: Any) -> Handle:
        """``agent.emergency_stop``."""
        return self.log("agent.emergency_stop", **_with(fields, description=reason))

    def _action(self, what: str, action: str, fields: dict[str, Any]) -> Handle:
        fields["context"] = {**(fields.get("context") or {}), "action": action}
        return self.log(f"action.{what}", **fields)


def changed_fields(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths at which two states differ, such as ``address.city``."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = sorted({*map(str, before), *map(str, after)})
        return [
            one
            for name in names
            for one in changed_fields(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if before == after else [path or "$"]


def _details(fields: Mapping[str, Any]) -> dict[str, Any]:
    return dict(fields.get("details") or {})


def _with(fields: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    return {**{name: value for name, value in defaults.items() if value is not None}, **fields}
