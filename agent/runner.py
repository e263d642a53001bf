"""An assistant's LangChain agent: built once a model, run once a turn, its output cut into events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import Runnable
from langgraph.types import Command

from agent.assistant import Assistant, TurnContext
from agent.events import Event, Token, ToolUsed
from agent.models import Models
from agent.offline import OfflineModel
from agent.trace import span
from agent.watch import Tally
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

    def run(
        self,
        context: TurnContext,
        say: Callable[[Event], bool],
        deadline: float,
        *,
        streamed: bool = True,
        tally: Tally | None = None,
    ) -> list[BaseMessage] | None:
        """The messages that answer ``context.message``; events are said on the way, tokens only where ``streamed``.

        None when ``say`` answered that nothing more is wanted. Raises ``ModelFailed``, also when the monotonic time is
        past ``deadline``.
        """
        extra = self._assistant.before(context)
        tally = tally or Tally(context.assistant)
        if (known := self._assistant.known(context)) is not None:
            tally.cached = True
            return [AIMessage(known)] if say(Token(known)) else None
        parts = (self._assistant.prompt, extra, instructed(context.instructions))
        system = SystemMessage("\n\n".join(part for part in parts if part))
        shown = fit(context.history, self._models.settings.context_tokens - count_tokens_approximately([system]))
        earlier = [to_message(record) for turn in shown for record in turn.messages]
        asked = [system, *earlier, HumanMessage(context.message)]
        context.run = _Run(say, deadline, streamed, tally)
        try:
            state = self._built().invoke({"messages": asked}, {"recursion_limit": _STEPS}, context=context)
        except _NothingMoreWanted:
            return None
        answer: list[BaseMessage] = state["messages"][len(asked) :]
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


class _NothingMoreWanted(Exception):
    pass


@dataclass(slots=True)
class _Run:
    """What the guard needs to know of a run: whom to tell, until when, and whether token by token."""

    say: Callable[[Event], bool]
    deadline: float
    streamed: bool
    tally: Tally
    spoken: bool = False

    def tell(self, event: Event) -> None:
        if not self.say(event):
            raise _NothingMoreWanted
        self.spoken = self.spoken or isinstance(event, Token)


class _Guard(AgentMiddleware[AgentState[Any], TurnContext]):
    """Between the agent and what may fail: the model (asked again as its fallback) and the tools.

    It asks the model itself instead of letting the agent stream: LangGraph's own streaming costs two threads a turn
    and ten times the CPU of the turn without it.
    """

    def __init__(self, fallback: BaseChatModel | None) -> None:
        super().__init__()
        self._fallback = fallback
        self._bound: dict[int, Runnable[Any, Any]] = {}

    def wrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        run: _Run = request.runtime.context.run
        try:
            return ModelResponse(result=[self._timed(request.model, request, run)])
        except _NothingMoreWanted:
            raise
        except Exception as error:  # every provider's client has errors of its own
            if self._fallback is None or run.spoken:  # what was said can't be taken back
                raise ModelFailed(error) from error
            log.warning("the model failed (%s), its fallback is asked", type(error).__name__)
        try:
            return ModelResponse(result=[self._timed(self._fallback, request, run)])
        except _NothingMoreWanted:
            raise
        except Exception as error:
            raise ModelFailed(error) from error

    def _timed(self, model: BaseChatModel, request: ModelRequest[TurnContext], run: _Run) -> AIMessage:
        begun, usage = time.monotonic(), None
        with span("model"):
            try:
                reply = self._ask(model, request, run)
                usage = reply.usage_metadata
                return reply
            finally:
                run.tally.asked(time.monotonic() - begun, usage)

    def _ask(self, model: BaseChatModel, request: ModelRequest[TurnContext], run: _Run) -> AIMessage:
        bound = self._with_tools(model, request)
        # The offline model's rules are told of the turn; no other model is.
        more: dict[str, Any] = {"turn": request.runtime.context} if isinstance(model, OfflineModel) else {}
        if not run.streamed:
            whole: AIMessage = bound.invoke(request.messages, **more)
            return whole
        chunks: list[AIMessageChunk] = []
        stream: Any = bound.stream(request.messages, **more)
        try:
            for chunk in stream:
                if time.monotonic() >= run.deadline:
                    raise TimeoutError
                chunks.append(chunk)
                if text := str(chunk.text):
                    run.tell(Token(text))
        finally:
            stream.close()  # gives the provider's connection back at once, wherever we left
        if not chunks:
            raise ValueError("an empty stream")
        message = message_chunk_to_message(add_ai_message_chunks(chunks[0], *chunks[1:]))
        if not isinstance(message, AIMessage):
            raise TypeError(f"a {message.type} message")
        return message

    def _with_tools(self, model: BaseChatModel, request: ModelRequest[TurnContext]) -> Runnable[Any, Any]:
        """The model with the assistant's tools, which are the same for every turn: describing them costs 1 ms."""
        if not request.tools:
            return model
        if id(model) not in self._bound:
            self._bound[id(model)] = model.bind_tools(request.tools)
        return self._bound[id(model)]

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        run: _Run = request.runtime.context.run  # type: ignore[attr-defined]  # typed as None by ToolCallRequest
        name = request.tool_call["name"]
        run.tell(ToolUsed(name, "started"))
        try:
            with span("tool", tool=name):
                result = handler(request)
        except Exception:  # a tool that fails is told to the model, which can say so; the turn goes on
            log.exception("the tool %s failed", name)
            result = ToolMessage(f"{name} failed.", tool_call_id=request.tool_call["id"], name=name, status="error")
        failed = isinstance(result, ToolMessage) and result.status == "error"
        run.tell(ToolUsed(name, "failed" if failed else "done"))
        return result


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
