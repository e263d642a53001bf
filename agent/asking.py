"""The model behind an assistant, asked once: whole or token by token, with its fallback where it fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from agent.assistant import TurnContext
from agent.events import Event, Token
from agent.offline import OfflineModel
from agent.trace import span
from agent.watch import Tally

log = logging.getLogger(__name__)


class ModelFailed(Exception):
    """The model, and its fallback if there is one, did not answer."""

    def __init__(self, cause: Exception) -> None:
        # Not its own words, which reach the log: providers quote in them what they were sent.
        status = getattr(cause, "status_code", None)
        super().__init__(type(cause).__name__ + (f" (status {status})" if isinstance(status, int) else ""))
        self.timeout = isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__


class NothingMoreWanted(Exception):
    """Whoever listened to the turn has ended it."""


@runtime_checkable
class Direct(Protocol):
    """A model that can be asked past LangChain's record of the run, where nobody reads it (``unwatched``)."""

    def unwatched(self, **options: Any) -> bool: ...
    def answer(
        self, messages: Sequence[BaseMessage], heard: Callable[[str], None] | None = None, **options: Any
    ) -> AIMessage: ...


@dataclass(slots=True)
class Run:
    """A turn's run of its agent: whom to tell, until when (monotonic s), and whether token by token.

    ``first`` is what the model said before there was a need for an agent.
    """

    say: Callable[[Event], bool]
    deadline: float
    streamed: bool
    tally: Tally
    spoken: bool = False
    first: AIMessage | None = None

    def tell(self, event: Event) -> None:
        if not self.say(event):
            raise NothingMoreWanted
        self.spoken = self.spoken or isinstance(event, Token)

    def heard(self, words: str) -> None:
        """What a model said; raises ``TimeoutError`` where there is no time left for more."""
        if time.monotonic() >= self.deadline:
            raise TimeoutError
        if words:
            self.tell(Token(words))


class Asker:
    """Asks ``model``, and ``fallback`` where it fails, telling both of ``tools``. Safe for threads.

    The model is asked here, and not by the agent that it works for: LangGraph's own streaming costs two threads a turn
    and ten times the CPU of the turn without it.
    """

    def __init__(self, model: BaseChatModel, fallback: BaseChatModel | None, tools: Sequence[BaseTool]) -> None:
        self._model = _Bound(model, tools)
        self._fallback = _Bound(fallback, tools) if fallback else None

    def ask(self, messages: Sequence[BaseMessage], context: TurnContext) -> AIMessage:
        """What the model answers; raises ``ModelFailed``."""
        run: Run = context.run
        try:
            return self._model.ask(messages, context, run)
        except NothingMoreWanted:
            raise
        except Exception as error:  # every provider's client has errors of its own
            if self._fallback is None or run.spoken:  # what was said can't be taken back
                raise ModelFailed(error) from error
            log.warning("the model failed (%s), its fallback is asked", type(error).__name__)
        try:
            return self._fallback.ask(messages, context, run)
        except NothingMoreWanted:
            raise
        except Exception as error:
            raise ModelFailed(error) from error


class _Bound:
    """A model that knows the assistant's tools. Describing them costs 1 ms, so that is done once."""

    def __init__(self, model: BaseChatModel, tools: Sequence[BaseTool]) -> None:
        self._runnable: Runnable[Any, Any] = model.bind_tools(tools) if tools else model
        self._options: dict[str, Any] = getattr(self._runnable, "kwargs", {})
        self._direct = model if isinstance(model, Direct) else None
        self._offline = isinstance(model, OfflineModel)

    def ask(self, messages: Sequence[BaseMessage], context: TurnContext, run: Run) -> AIMessage:
        """What the model answers."""
        begun, usage = time.monotonic(), None
        # The offline model's rules are told of the turn; no other model is.
        more: dict[str, Any] = {"turn": context} if self._offline else {}
        with span("model"):
            try:
                if self._direct and self._direct.unwatched(**self._options):
                    heard = run.heard if run.streamed else None
                    reply = self._direct.answer(messages, heard, **self._options)
                else:
                    reply = self._stream(messages, more, run) if run.streamed else self._whole(messages, more)
                usage = reply.usage_metadata
                return reply
            finally:
                run.tally.asked(time.monotonic() - begun, usage)

    def _whole(self, messages: Sequence[BaseMessage], more: dict[str, Any]) -> AIMessage:
        reply: AIMessage = self._runnable.invoke(messages, **more)
        return reply

    def _stream(self, messages: Sequence[BaseMessage], more: dict[str, Any], run: Run) -> AIMessage:
        chunks: list[AIMessageChunk] = []
        stream: Any = self._runnable.stream(messages, **more)
        try:
            for chunk in stream:
                chunks.append(chunk)
                run.heard(str(chunk.text))
        finally:
            stream.close()  # gives the provider's connection back at once, wherever we left
        if not chunks:
            raise ValueError("an empty stream")
        message = message_chunk_to_message(add_ai_message_chunks(chunks[0], *chunks[1:]))
        if not isinstance(message, AIMessage):
            raise TypeError(f"a {message.type} message")
        return message
