"""The model for when there is no key: a real LangChain chat model whose words come from an assistant's plain rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from agent.assistant import TurnContext


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A wish of the rules: call this tool with these arguments, then ask again."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool that was called earlier in this turn, and the text it gave back."""

    name: str
    args: dict[str, Any]
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What the rules are asked: the user's message, what was said before, and the tool results of this turn so far.

    ``history`` is (role, text) with role ``human`` or ``ai``, oldest first, without the message itself. ``turn`` is the
    running turn where there is one (a bare model call has none).
    """

    message: str
    history: Sequence[tuple[str, str]] = ()
    results: Sequence[ToolResult] = ()
    tools: frozenset[str] = frozenset()
    turn: TurnContext | None = None


Answer = str | ToolCall | Sequence[ToolCall]
Rules = Callable[[Ask], Answer]

OFFLINE: Final = "offline"
"""The name of the model, in settings, status and on the page."""

_WORDS: Final = re.compile(r"\S+\s*|\s+")


def echo(ask: Ask) -> Answer:
    """The rules of a model that was given none."""
    return f"I am the offline model, and I heard: {ask.message}" if ask.message else "I am the offline model."


class OfflineModel(BaseChatModel):
    """A chat model without a network: ``rules`` answer, everything else is as with any other model.

    Streams word by word. The running turn, if any, reaches the rules as the call's ``turn`` argument.
    """

    rules: Rules = echo
    model_name: str = OFFLINE

    @property
    def _llm_type(self) -> str:
        return OFFLINE

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text, calls = self._answer(messages, stop, kwargs)
        message = AIMessage(
            text,
            tool_calls=[tool_call(name=call.name, args=call.args, id=_call_id()) for call in calls],
            usage_metadata=_usage(messages, text),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        text, calls = self._answer(messages, stop, kwargs)
        chunks = [AIMessageChunk(content=word) for word in _WORDS.findall(text)]
        if calls:
            parts = [
                tool_call_chunk(name=call.name, args=orjson.dumps(call.args).decode(), id=_call_id(), index=index)
                for index, call in enumerate(calls)
            ]
            chunks.append(AIMessageChunk(content="", tool_call_chunks=parts))
        chunks.append(AIMessageChunk(content="", usage_metadata=_usage(messages, text), chunk_position="last"))
        for chunk in chunks:
            generation = ChatGenerationChunk(message=chunk)
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.text), chunk=generation)
            yield generation

    def _answer(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> tuple[str, list[ToolCall]]:
        tools = frozenset(tool["function"]["name"] for tool in kwargs.get("tools", ()))
        answer = self.rules(to_ask(messages, tools, kwargs.get("turn")))
        if isinstance(answer, str):
            for word in stop or ():
                answer = answer.partition(word)[0]
            return answer, []
        return "", [answer] if isinstance(answer, ToolCall) else list(answer)


def to_ask(messages: Sequence[BaseMessage], tools: frozenset[str], turn: TurnContext | None) -> Ask:
    """What the rules are asked, read from a model's messages: the last human message and what came around it."""
    last = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    history = [
        (message.type, str(message.text))
        for message in messages[: max(last, 0)]
        if message.type in ("human", "ai") and str(message.text)
    ]
    calls = {call["id"]: call for m in messages[last + 1 :] if isinstance(m, AIMessage) for call in m.tool_calls}
    results = [
        ToolResult(call["name"], call["args"], str(message.text))
        for message in messages[last + 1 :]
        if isinstance(message, ToolMessage) and (call := calls.get(message.tool_call_id))
    ]
    return Ask(str(messages[last].text) if last >= 0 else "", tuple(history), tuple(results), tools, turn)


def _call_id() -> str:
    return f"call_{uuid4().hex[:12]}"


def _usage(messages: Sequence[BaseMessage], text: str) -> UsageMetadata:
    """Tokens as LangChain estimates them (about four characters each)."""
    asked, said = count_tokens_approximately(messages), count_tokens_approximately([AIMessage(text)])
    return UsageMetadata(input_tokens=asked, output_tokens=said, total_tokens=asked + said)
