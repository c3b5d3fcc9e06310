"""Handlers, with the libraries that they are for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from sealtrail._calls import Calls
from sealtrail._content import event_of
from sealtrail._handle import Handle
from sealtrail.integrations.logging_handler import SealtrailHandler


class _Memory(Calls):
    """Keeps events as they would be sent."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def log(self, type: str, **fields: Any) -> Handle:
        self.events.append(event_of({"type": type, **fields}, {}))
        return Handle("x")


def test_records_of_the_logging_module_are_events() -> None:
    audit = _Memory()
    logger = logging.getLogger("app.doors")
    logger.addHandler(SealtrailHandler(audit))
    logger.propagate = False
    logger.warning("door %d open", 7, extra={"audit": {"type": "door.opened", "actor": {"id": "alice"}}})
    try:
        raise ValueError("no key")
    except ValueError:
        logger.exception("cannot close")
    logging.getLogger("sealtrail").addHandler(SealtrailHandler(audit))
    logging.getLogger("sealtrail").error("the log does not answer")
    opened, failed = audit.events
    assert (opened["type"], opened["severity"], opened["description"]) == ("door.opened", "warning", "door 7 open")
    assert opened["actor"] == {"id": "alice"}
    assert (failed["type"], failed["severity"]) == ("log.record", "error")
    assert failed["details"]["error"] == {"name": "ValueError", "message": "no key"}


def test_langchain_models_and_tools_are_events_without_their_content() -> None:
    pytest.importorskip("langchain_core", reason="an extra of the package")
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.tools import tool

    from sealtrail.integrations.langchain import SealtrailCallback

    @tool
    def divide(a: int, b: int) -> int:
        """Divides."""
        return a // b

    audit = _Memory()
    config: Any = {"callbacks": [SealtrailCallback(audit, agent="researcher", fields={"context": {"session": "s-1"}})]}
    FakeListChatModel(responses=["four"]).invoke("two and two?", config)
    divide.invoke({"a": 8, "b": 2}, config)
    with pytest.raises(ZeroDivisionError):
        divide.invoke({"a": 8, "b": 0}, config)
    types = [event["type"] for event in audit.events]
    assert types == ["llm.request", "llm.response", "action.requested", "action.executed", "action.requested", "action.failed"]
    assert all(event["context"]["session"] == "s-1" and event["context"]["agent"] == "researcher" for event in audit.events)
    actions = [event["context"]["action"] for event in audit.events]
    assert actions[0] == actions[1] != actions[2] == actions[3] != actions[4] == actions[5]
    assert audit.events[3]["resource"] == {"type": "tool", "id": "divide"}
    assert audit.events[5]["outcome"] == "error"
    assert "two and two" not in str(audit.events)
    assert "four" not in str(audit.events)
    shown = _Memory()
    FakeListChatModel(responses=["four"]).invoke("two and two?", {"callbacks": [SealtrailCallback(shown, content=True)]})
    assert "two and two" in shown.events[0]["details"]["request"]
    assert shown.events[1]["details"]["response"] == "four"


def test_runs_of_openai_agents_are_events() -> None:
    pytest.importorskip("agents", reason="an extra of the package, for Python 3.10 and later")
    from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    from sealtrail.integrations.openai_agents import SealtrailRunHooks

    text = ResponseOutputText(annotations=[], text="it is 4", type="output_text")
    answers: list[Any] = [
        ResponseFunctionToolCall(arguments='{"a":2}', call_id="call-1", name="double", type="function_call"),
        ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message"),
    ]

    class FakeModel(Model):
        async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
            return ModelResponse(output=[answers.pop(0)], usage=Usage(input_tokens=3, output_tokens=5), response_id="r-1")

        def stream_response(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    @function_tool
    def double(a: int) -> int:
        """Doubles."""
        return 2 * a

    audit = _Memory()
    agent = Agent(name="mathematician", model=FakeModel(), tools=[double])
    config = RunConfig(tracing_disabled=True)
    asyncio.run(Runner.run(agent, "twice two?", hooks=SealtrailRunHooks(audit), run_config=config))
    assert [event["type"] for event in audit.events] == [
        "llm.request",
        "llm.response",
        "action.requested",
        "action.executed",
        "llm.request",
        "llm.response",
    ]
    assert audit.events[1]["details"]["usage"] == {"inputTokens": 3, "outputTokens": 5}
    assert [event["context"]["action"] for event in audit.events[2:4]] == ["call-1", "call-1"]
    assert all(event["actor"] == {"id": "mathematician", "type": "agent"} for event in audit.events)
    assert "twice two" not in str(audit.events)
