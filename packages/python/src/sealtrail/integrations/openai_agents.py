"""OpenAI Agents: calls of models and tools, and hand-offs, as events (``pip install sealtrail[openai-agents]``)."""

from __future__ import annotations

import uuid
from typing import Any

from agents import RunHooks

from .._calls import Calls
from ._steps import Steps


class SealtrailRunHooks(RunHooks[Any]):
    """Logs ``llm.request`` and ``llm.response``, ``action.requested`` and ``action.executed``, and ``agent.handed_off``.

    >>> await Runner.run(agent, question, hooks=SealtrailRunHooks(audit))

    Prompts, arguments and answers are logged as digests; with ``content=True`` they are logged too, redacted by the log.
    ``fields`` go on every event, such as ``{"context": {"session": "s-1"}}``.
    """

    def __init__(self, audit: Calls, *, content: bool = False, fields: dict[str, Any] | None = None) -> None:
        self._audit, self._content, self._fields = audit, content, fields or {}
        self._agents: dict[str, Steps] = {}
        #: A call of a model by its run and agent: one at a time.
        self._calls: dict[tuple[int, str], str] = {}

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: str | None, input_items: Any) -> None:
        """A model is called."""
        step = self._calls[id(context), agent.name] = str(uuid.uuid4())
        model = getattr(agent.model, "model", agent.model)
        resource = {"type": "model", **({"id": model} if isinstance(model, str) else {})}
        self._of(agent).begin(step, "llm.request", resource, [system_prompt, input_items], messages=len(input_items))

    async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
        """A model has answered."""
        step = self._calls.pop((id(context), agent.name), str(uuid.uuid4()))
        usage = {"inputTokens": response.usage.input_tokens, "outputTokens": response.usage.output_tokens}
        self._of(agent).end(step, "llm.response", "success", response.output, usage=usage, responseId=response.response_id)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """A tool is called."""
        given = getattr(context, "tool_arguments", "")
        self._of(agent).begin(_call_of(context, tool), "action.requested", {"type": "tool", "id": tool.name}, given)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
        """A tool has answered."""
        self._of(agent).end(_call_of(context, tool), "action.executed", "success", result)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        """An agent hands the run to another."""
        fields = {**self._fields, "actor": {"id": from_agent.name, "type": "agent"}}
        self._audit.log("agent.handed_off", **fields, resource={"type": "agent", "id": to_agent.name}, outcome="success")

    def _of(self, agent: Any) -> Steps:
        name = agent.name
        if name not in self._agents:
            self._agents[name] = Steps(self._audit, content=self._content, agent=name, fields=self._fields)
        return self._agents[name]


def _call_of(context: Any, tool: Any) -> str:
    return str(getattr(context, "tool_call_id", None) or f"{tool.name}-{id(context)}")
