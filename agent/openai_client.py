"""``ChatOpenAI`` on a shorter way: the same requests, retries, time-outs, errors and messages, less work.

The SDK builds typed models of what it sends and of every chunk that it receives, which ``ChatOpenAI`` takes apart
again at once, and LangChain builds a message, a generation and a record of the run for each. Here requests go out and
chunks come in as plain JSON, and words are passed on as they come; one message is made of them in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import openai
from langchain_core.callbacks import CallbackManager
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, message_chunk_to_message
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_openai import ChatOpenAI

from agent.openai_http import PATH, OpenAIHttp

_STREAM: Final = openai.Stream[Any]
_ROLES: Final[Mapping[type[BaseMessage], str]] = {HumanMessage: "user", AIMessage: "assistant"}


class LightChatOpenAI(ChatOpenAI):
    """``ChatOpenAI`` that can answer without LangChain's bookkeeping, and writes plain messages itself: it looks at
    every letter of an earlier reply for audio."""

    def unwatched(self, **options: Any) -> bool:
        """Whether ``answer`` serves: it is a chat completion in words, LangChain has no cache to look into before, and
        nobody to tell of it (a tracer, a callback)."""
        asked = self._default_params | options
        if self.cache or self.rate_limiter or get_llm_cache():
            return False
        if "response_format" in asked or self._use_responses_api(asked):
            return False
        return not CallbackManager.configure(local_callbacks=self.callbacks, verbose=self.verbose).handlers

    def answer(
        self, messages: Sequence[BaseMessage], heard: Callable[[str], None] | None = None, **options: Any
    ) -> AIMessage:
        """What ``invoke`` gives, but for an id of the run; streamed where ``heard`` is given, which is called with the
        words of each chunk."""
        asked = list(messages)
        if heard:
            chunks = [_told(chunk) for chunk in self._stream(asked, heard=heard, **options)]
            if not chunks:
                raise ValueError("an empty stream")
            reply = message_chunk_to_message(add_ai_message_chunks(chunks[0], *chunks[1:]))
        else:
            reply = _told(self._generate(asked, **options).generations[0])
        if not isinstance(reply, AIMessage):
            raise TypeError(f"a {reply.type} message")
        return reply

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        messages = self._convert_input(input_).to_messages()
        written = [_plain(message) for message in messages]
        rest = [message for message, plain in zip(messages, written, strict=True) if plain is None]
        payload: dict[str, Any] = super()._get_request_payload(rest, stop=stop, **kwargs)
        if "messages" not in payload:  # another of OpenAI's interfaces
            return super()._get_request_payload(messages, stop=stop, **kwargs)
        others = iter(payload["messages"])
        payload["messages"] = [plain or next(others) for plain in written]
        return payload


def _told(generation: Any) -> Any:
    """Its message, with what was told of how it was made."""
    message = generation.message
    message.response_metadata = {**(generation.generation_info or {}), **message.response_metadata}
    return message


def _plain(message: BaseMessage) -> dict[str, str] | None:
    """As OpenAI has it, what the user or the model said, where that is nothing but text."""
    role = _ROLES.get(type(message))
    if role is None or not isinstance(message.content, str) or message.name or message.additional_kwargs:
        return None
    if isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls):
        return None
    return {"content": message.content, "role": role}


def light_model(connections: int, *, timeout: float, **options: Any) -> LightChatOpenAI:
    """A model that talks the shorter way, and keeps at most ``connections`` connections. Options: ``ChatOpenAI``'s."""
    model = LightChatOpenAI(timeout=timeout, **options)
    http = OpenAIHttp(str(model.root_client.base_url), timeout, connections)
    model.root_client = model.root_client.with_options(http_client=http)
    model.client = _Completions(model.root_client, http)
    return model


@dataclass(frozen=True, slots=True)
class _Raw:
    """What the SDK's raw responses are asked for."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def parse(self) -> Any:
        return self.body


@dataclass(frozen=True, slots=True)
class _Completions:
    """Stands where the SDK's ``chat.completions`` does."""

    sdk: openai.OpenAI
    http: OpenAIHttp

    @property
    def with_raw_response(self) -> _RawCompletions:
        return _RawCompletions(self)

    def create(self, *, heard: Callable[[str], None] | None = None, stream: bool = False, **payload: Any) -> Any:
        if heard:
            return nullcontext(self.http.ask(self.sdk, payload, heard))
        if stream:
            return self.sdk.post(PATH, body=payload | {"stream": True}, cast_to=object, stream=True, stream_cls=_STREAM)
        return self.http.ask(self.sdk, payload)


@dataclass(frozen=True, slots=True)
class _RawCompletions:
    plain: _Completions

    def create(self, **payload: Any) -> _Raw:
        return _Raw(self.plain.create(**payload))
