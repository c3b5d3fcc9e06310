"""LangChain: calls of models and tools as events (``pip install sealtrail[langchain]``)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from .._calls import Calls
from ._steps import Steps, error_details


class SealtrailCallback(BaseCallbackHandler):
    """Logs ``llm.request`` and ``llm.response`` of models, ``action.requested``, ``executed`` and ``failed`` of tools.

    >>> chain.invoke(question, config={"callbacks": [SealtrailCallback(audit, agent="researcher")]})

    Prompts, arguments and answers are logged as digests; with ``content=True`` they are logged too, redacted by the log.
    ``fields`` go on every event, such as ``{"context": {"session": "s-1"}}``.
    """

    def __init__(
        self, audit: Calls, *, agent: str | None = None, content: bool = False, fields: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._content = content
        self._steps = Steps(audit, content=content, agent=agent, fields=fields or {})

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        """A model that completes text is called."""
        self._begin(run_id, serialized, prompts, kwargs)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[Any]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A chat model is called."""
        self._begin(run_id, serialized, [[_message(one) for one in some] for some in messages], kwargs)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A model has answered."""
        generation = next((one for some in response.generations for one in some), None)
        message = getattr(generation, "message", None)
        usage = getattr(message, "usage_metadata", None) or (response.llm_output or {}).get("token_usage") or {}
        found = getattr(message, "response_metadata", None) or getattr(generation, "generation_info", None) or {}
        details = {"usage": _usage(usage), "finishReason": found.get("finish_reason") or found.get("stop_reason")}
        text = getattr(generation, "text", "")
        self._steps.end(str(run_id), "llm.response", "success", text, **_present(details))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A call of a model failed."""
        self._steps.end(str(run_id), "llm.response", "error", **error_details(error, self._content))

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool is called."""
        name = (serialized or {}).get("name") or kwargs.get("name") or "tool"
        given = kwargs.get("inputs") or input_str
        self._steps.begin(str(run_id), "action.requested", {"type": "tool", "id": str(name)}, given)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has answered."""
        self._steps.end(str(run_id), "action.executed", "success", getattr(output, "content", output))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool failed."""
        self._steps.end(str(run_id), "action.failed", "error", **error_details(error, self._content))

    def _begin(self, run_id: UUID, serialized: dict[str, Any], given: Any, kwargs: dict[str, Any]) -> None:
        parameters = kwargs.get("invocation_params") or {}
        metadata = kwargs.get("metadata") or {}
        model = parameters.get("model") or parameters.get("model_name") or metadata.get("ls_model_name")
        provider = metadata.get("ls_provider") or ((serialized or {}).get("id") or ["model"])[-1]
        details = {
            "provider": provider,
            "temperature": parameters.get("temperature"),
            "maxTokens": parameters.get("max_tokens"),
        }
        resource = {"type": "model", **({} if model is None else {"id": str(model)})}
        self._steps.begin(str(run_id), "llm.request", resource, given, **_present(details))


def _message(message: Any) -> dict[str, Any]:
    return {"role": getattr(message, "type", "message"), "content": getattr(message, "content", str(message))}


def _usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    tokens = {
        "inputTokens": usage.get("input_tokens", usage.get("prompt_tokens")),
        "outputTokens": usage.get("output_tokens", usage.get("completion_tokens")),
    }
    return _present(tokens) or None


def _present(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}
