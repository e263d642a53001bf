"""LangChain's face of the engine: a chat message history for any chain, and session memory for any agent.

Both are thin: messages are turned into the engine's records and back, equal to what went in, and turns are stored
whole. The only place under ``memory`` that imports LangChain.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NotRequired

import orjson
from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.messages.base import BaseMessageChunk
from langgraph.config import get_config
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime

from memory.engine import SessionEngine
from memory.session import Message
from memory.text import storable

_TYPES: Final[dict[str, type[BaseMessage]]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
    "function": FunctionMessage,
    "chat": ChatMessage,
}


def to_record(message: BaseMessage) -> Message:
    """The message as the engine keeps it: role, content, and whatever differs from a plain message of its kind.

    A tool's ``artifact`` that is not JSON is left out, and lone surrogates become U+FFFD; everything else comes back
    equal from ``to_message``.
    """
    if isinstance(message, BaseMessageChunk):
        message = message_chunk_to_message(message)
    rest = {
        name: value
        for name, default in _defaults(type(message)).items()
        if (value := getattr(message, name)) != default
    }
    rest.update(message.model_extra or {})
    try:
        orjson.dumps((message.content, rest))
    except TypeError:  # something of it is not JSON, or half a character
        return _mended(message, rest)
    return Message(message.type, message.content, rest)


def _mended(message: BaseMessage, rest: dict[str, Any]) -> Message:
    try:
        orjson.dumps(storable(rest.get("artifact")))
    except TypeError:
        del rest["artifact"]
    return Message(message.type, storable(message.content), storable(rest))


@lru_cache(maxsize=64)
def _defaults(kind: type[BaseMessage]) -> dict[str, Any]:
    """What each field of a message has where nothing is said, role and content left out."""
    fields = {name: each for name, each in kind.model_fields.items() if name not in ("content", "type")}
    return {name: each.get_default(call_default_factory=True) for name, each in fields.items()}


def to_message(record: Message) -> BaseMessage:
    """The LangChain message of a record."""
    kind = _TYPES.get(record.role, ChatMessage)
    rest = dict(record.rest)
    if kind is ChatMessage:
        rest.setdefault("role", record.role)
    return kind(content=record.content, **rest)


def to_messages(records: Iterable[Message]) -> list[BaseMessage]:
    return [to_message(record) for record in records]


class SessionChatMessageHistory(BaseChatMessageHistory):
    """A subject's session as LangChain's chat message history, for ``RunnableWithMessageHistory`` and its kin.

    Turns are stored whole: a message of the user waits in this object until its answer is added, and a call of a tool
    until its result and the words that follow. ``messages`` shows what waits, too.
    """

    def __init__(self, engine: SessionEngine, subject: str, *, owner: str = "") -> None:
        self.engine = engine
        self.subject = subject
        self.owner = owner
        self._waiting: list[BaseMessage] = []

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages that the session keeps, oldest first."""
        turns = self.engine.history(self.subject, self.engine.policy.keep_turns)
        return [to_message(record) for turn in turns for record in turn.messages] + self._waiting

    @messages.setter
    def messages(self, value: list[BaseMessage]) -> None:
        raise AttributeError("use add_messages: the history is kept by the session")

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        for message in messages:
            if message.type == "human" and self._waiting and not any(m.type == "human" for m in self._waiting):
                self._store()  # what stood before the user's first word (a greeting) is a turn of its own
            self._waiting.append(message)
            if message.type in ("ai", "AIMessageChunk") and not getattr(message, "tool_calls", None):
                self._store()

    def _store(self) -> None:
        whole, self._waiting = self._waiting, []
        asked = next((str(m.text) for m in whole if m.type == "human"), "")
        turn = self.engine.begin_turn(self.subject, asked, owner=self.owner, shown_turns=1)
        try:
            self.engine.finish_turn(turn, [to_record(message) for message in whole])
        finally:
            self.engine.abandon_turn(turn)

    def clear(self) -> None:
        """End the session and forget its words."""
        self._waiting = []
        self.engine.forget(self.subject)


class _MemoryState(AgentState[Any]):
    parley_turn: NotRequired[str]  # the id of the first message of this turn


def _session_of_config() -> str:
    """``config={"configurable": {"session_id": …}}``, as ``RunnableWithMessageHistory`` has it."""
    configurable = get_config().get("configurable", {})
    subject = configurable.get("session_id") or configurable.get("thread_id")
    if not subject:
        raise ValueError('say whose session it is: config={"configurable": {"session_id": "user123"}}')
    return str(subject)


class SessionMemory(AgentMiddleware[_MemoryState, Any]):
    """Session memory for any agent of ``create_agent``: shows it the earlier turns, stores the new one when it is done.

        agent = create_agent(model, tools, middleware=[SessionMemory(engine)])
        agent.invoke({"messages": [HumanMessage("Hello")]}, {"configurable": {"session_id": "user123"}})

    The session is not held while the agent works, so an agent that fails or is interrupted blocks nobody; of two runs
    of one session at once each sees the turns that were stored when it began, and both are stored whole.
    """

    state_schema = _MemoryState

    def __init__(self, engine: SessionEngine, *, subject: Callable[[], str] = _session_of_config) -> None:
        super().__init__()
        self.engine = engine
        self._subject = subject

    def before_agent(self, state: _MemoryState, runtime: Runtime[Any]) -> dict[str, Any]:
        turns = self.engine.history(self._subject(), self.engine.policy.shown_turns)
        new = state["messages"]
        for message in new[:1]:
            message.id = message.id or str(uuid.uuid4())
        earlier = [to_message(record) for turn in turns for record in turn.messages]
        return {
            "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *earlier, *new],
            "parley_turn": new[0].id if new else "",
        }

    def after_agent(self, state: _MemoryState, runtime: Runtime[Any]) -> None:
        first = state.get("parley_turn")
        messages = state["messages"]
        start = next((at for at, message in enumerate(messages) if message.id == first), None)
        if start is not None:
            history = SessionChatMessageHistory(self.engine, self._subject())
            history.add_messages(messages[start:])

    async def abefore_agent(self, state: _MemoryState, runtime: Runtime[Any]) -> dict[str, Any]:
        return await asyncio.to_thread(self.before_agent, state, runtime)

    async def aafter_agent(self, state: _MemoryState, runtime: Runtime[Any]) -> None:
        await asyncio.to_thread(self.after_agent, state, runtime)
