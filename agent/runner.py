"""An assistant's LangChain agent: built once a model, run once a turn, its output cut into events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ModelRequest,
    ModelResponse,
    ToolCallLimitMiddleware,
    ToolCallRequest,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately
from langgraph.types import Command

from agent.assistant import Assistant, TurnContext
from agent.events import Event, Token, ToolUsed
from agent.models import Models
from agent.offline import OfflineModel
from memory import Turn
from memory.history import to_message

log = logging.getLogger(__name__)

MAX_TOOL_CALLS: Final = 8
"""Calls of tools in one turn; beyond it the model is told that there are no more."""

_STEPS: Final = 4 * MAX_TOOL_CALLS


class ModelFailed(Exception):
    """The model, and its fallback if there is one, did not answer."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}"[:200])
        self.timeout = isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__


class AgentRunner:
    """Runs turns of one assistant. Safe for threads."""

    def __init__(self, assistant: Assistant, models: Models) -> None:
        self._assistant = assistant
        self._models = models
        self._agent: Any = None
        self._lock = threading.Lock()

    def run(self, context: TurnContext, say: Callable[[Event], bool], deadline: float) -> list[BaseMessage] | None:
        """The messages that answer ``context.message``; events are said on the way.

        None when ``say`` answered that nothing more is wanted. Raises ``ModelFailed``, also when the monotonic time is
        past ``deadline``.
        """
        extra = self._assistant.before(context)
        if (known := self._assistant.known(context)) is not None:
            return [AIMessage(known)] if say(Token(known)) else None
        parts = (self._assistant.prompt, extra, instructed(context.instructions))
        system = SystemMessage("\n\n".join(part for part in parts if part))
        shown = fit(context.history, self._models.settings.context_tokens - count_tokens_approximately([system]))
        earlier = [to_message(record) for turn in shown for record in turn.messages]
        answer: list[BaseMessage] = []
        stream = self._built().stream(
            {"messages": [system, *earlier, HumanMessage(context.message)]},
            {"recursion_limit": _STEPS},
            context=context,
            stream_mode=["messages", "updates"],
        )
        try:
            for mode, payload in stream:
                if time.monotonic() >= deadline:
                    raise ModelFailed(TimeoutError())
                events = _words(payload) if mode == "messages" else _steps(payload, answer)
                for event in events:
                    context.spoken = context.spoken or isinstance(event, Token)
                    if not say(event):
                        return None
        finally:
            stream.close()  # gives the provider's connection back at once, wherever we left
        if not answer or not isinstance(answer[-1], AIMessage) or not answer[-1].text:
            raise ModelFailed(ValueError("an empty reply"))
        return answer

    def _built(self) -> Any:
        with self._lock:
            if self._agent is None:
                rules = self._assistant.offline
                limit: Any = ToolCallLimitMiddleware(run_limit=MAX_TOOL_CALLS)
                self._agent = create_agent(
                    self._models.main(rules),
                    list(self._assistant.tools),
                    middleware=[_Guard(self._models.fallback(rules)), limit],
                    context_schema=TurnContext,
                )
            return self._agent


class _Guard(AgentMiddleware[AgentState[Any], TurnContext]):
    """Between the agent and what may fail: the model (asked again as its fallback) and the tools."""

    def __init__(self, fallback: BaseChatModel | None) -> None:
        super().__init__()
        self._fallback = fallback

    def wrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        context = request.runtime.context
        try:
            return handler(_with_turn(request, context))
        except Exception as error:  # every provider's client has errors of its own
            if self._fallback is None or context.spoken:  # what was said can't be taken back
                raise ModelFailed(error) from error
            log.warning("the model failed (%s), its fallback is asked", type(error).__name__)
        try:
            return handler(_with_turn(request.override(model=self._fallback), context))
        except Exception as error:
            raise ModelFailed(error) from error

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        try:
            return handler(request)
        except Exception:  # a tool that fails is told to the model, which can say so; the turn goes on
            name = request.tool_call["name"]
            log.exception("the tool %s failed", name)
            return ToolMessage(f"{name} failed.", tool_call_id=request.tool_call["id"], name=name, status="error")


def _with_turn(request: ModelRequest[TurnContext], context: TurnContext) -> ModelRequest[TurnContext]:
    """The offline model's rules are told of the turn; no other model is."""
    if isinstance(request.model, OfflineModel):
        return request.override(model_settings={**request.model_settings, "turn": context})
    return request


def _words(payload: Any) -> Iterator[Event]:
    """The tokens in a piece of the ``messages`` stream."""
    message, _ = payload
    if isinstance(message, AIMessageChunk) and (text := str(message.text)):
        yield Token(text)


def _steps(payload: Any, answer: list[BaseMessage]) -> Iterator[Event]:
    """Keeps the whole messages of a piece of the ``updates`` stream, and tells of the tools in them."""
    for update in payload.values():
        for message in (update or {}).get("messages", ()):
            answer.append(message)
            if isinstance(message, AIMessage):
                yield from (ToolUsed(call["name"], "started") for call in message.tool_calls)
            elif isinstance(message, ToolMessage):
                yield ToolUsed(message.name or "", "done" if message.status == "success" else "failed")


def instructed(instructions: str) -> str:
    """What the client's application asks for, as the model is told of it; empty where it asks for nothing."""
    if not instructions:
        return ""
    return (
        "The application that the user writes from adds the instructions below. Follow them where they do not "
        f"contradict anything above.\n<application_instructions>\n{instructions}\n</application_instructions>"
    )


def fit(turns: Sequence[Turn], tokens: int) -> Sequence[Turn]:
    """The newest whole turns that take at most ``tokens`` together (estimated at four characters each)."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        tokens -= count_tokens_approximately([to_message(record) for record in turn.messages])
        if tokens < 0:
            break
        kept.append(turn)
    return kept[::-1]
