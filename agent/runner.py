"""An assistant's turn: the model asked, and its LangChain agent run where the model calls tools."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
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
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately
from langgraph.types import Command

from agent.asking import Asker, ModelFailed, NothingMoreWanted, Run
from agent.assistant import Assistant, TurnContext
from agent.events import Event, Token, ToolUsed
from agent.models import Models
from agent.summaries import told
from agent.trace import span
from agent.watch import Tally
from memory import Turn
from memory.history import to_messages

log = logging.getLogger(__name__)

MAX_TOOL_CALLS: Final = 8
"""Calls of tools in one turn; beyond it the model is told that there are no more."""

_STEPS: Final = 4 * MAX_TOOL_CALLS
_FRAME: Final = 16
"""Tokens that a message takes besides its text, and more."""


class AgentRunner:
    """Runs turns of one assistant. Safe for threads."""

    def __init__(self, assistant: Assistant, models: Models) -> None:
        self._assistant = assistant
        self._models = models
        self._made: tuple[Asker, Any] | None = None
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
        system = self._system(context, extra)
        shown: Sequence[Sequence[BaseMessage]] = [to_messages(turn.messages) for turn in context.history]
        if not _is_short(system, context.history, self._models.settings.context_tokens):
            shown = fit(shown, self._models.settings.context_tokens - count_tokens_approximately([system]))
        while context.shorten and len(shown) + context.unshown < len(context.history):
            context.unshown = len(context.history) - len(shown)
            context.earlier = context.shorten(context.unshown)
            system = self._system(context, extra)
            shown = fit(shown, self._models.settings.context_tokens - count_tokens_approximately([system]))
        asked = [system, *(message for turn in shown for message in turn), HumanMessage(context.message)]
        context.run = Run(say, deadline, streamed, tally)
        try:
            answer = self._answer(asked, context)
        except NothingMoreWanted:
            return None
        if not answer or not isinstance(answer[-1], AIMessage) or not answer[-1].text:
            raise ModelFailed(ValueError("an empty reply"))
        return answer

    def _system(self, context: TurnContext, extra: str) -> SystemMessage:
        parts = (self._assistant.prompt, extra, told(context.earlier), instructed(context.instructions))
        return SystemMessage("\n\n".join(part for part in parts if part))

    def _answer(self, asked: list[BaseMessage], context: TurnContext) -> list[BaseMessage]:
        """Most replies are the model's first words, and need no agent: its graph costs more CPU than asking does."""
        asker, agent = self._parts()
        first = asker.ask(asked, context)
        if not first.tool_calls:
            return [first]
        context.run.first = first
        state = agent.invoke({"messages": asked}, {"recursion_limit": _STEPS}, context=context)
        answer: list[BaseMessage] = state["messages"][len(asked) :]
        return answer

    def _parts(self) -> tuple[Asker, Any]:
        """The model, and the agent around it."""
        with self._lock:
            if self._made is None:
                rules, tools = self._assistant.offline, list(self._assistant.tools)
                model = self._models.main(rules)
                asker = Asker(model, self._models.fallback(rules), tools)
                limit: Any = ToolCallLimitMiddleware(run_limit=MAX_TOOL_CALLS)
                agent = create_agent(model, tools, middleware=[_Guard(asker), limit], context_schema=TurnContext)
                self._made = asker, agent
            return self._made


class _Guard(AgentMiddleware[AgentState[Any], TurnContext]):
    """Between the agent and what may fail: the model, which is asked outside of LangGraph, and the tools."""

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker

    def wrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        context = request.runtime.context
        first, context.run.first = context.run.first, None
        return ModelResponse(result=[first or self._asker.ask(request.messages, context)])

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        run: Run = request.runtime.context.run  # type: ignore[attr-defined]  # typed as None by ToolCallRequest
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


def _is_short(system: SystemMessage, turns: Sequence[Turn], tokens: int) -> bool:
    """Whether all fits for certain, so that nothing need be counted: no text has more tokens than characters."""
    messages = [message for turn in turns for message in turn.messages]
    if any(message.rest or not isinstance(message.content, str) for message in messages):
        return False
    return len(system.text) + sum(len(message.content) + _FRAME for message in messages) <= tokens


def fit(turns: Sequence[Sequence[BaseMessage]], tokens: int) -> Sequence[Sequence[BaseMessage]]:
    """The newest whole turns that take at most ``tokens`` together (estimated at four characters each)."""
    kept: list[Sequence[BaseMessage]] = []
    for turn in reversed(turns):
        tokens -= count_tokens_approximately(turn)
        if tokens < 0:
            break
        kept.append(turn)
    return kept[::-1]
