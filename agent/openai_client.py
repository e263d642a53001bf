"""``ChatOpenAI`` on a lighter way through OpenAI's SDK: the same retries, time-outs and errors, less work.

The SDK builds typed models of what it sends and of every chunk that it receives, which ``ChatOpenAI`` takes apart
again at once. Here requests go out and chunks come in as plain JSON. A streamed body is read to its end, so that its
connection serves the next turn (the SDK closes it at ``[DONE]``). And every request has an HTTP client of its own while
it runs, one that has served others before: a pool looks at each of its connections for every request, one system call
each, so what a request costs would grow with their number.
"""

from __future__ import annotations

import ssl
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import openai
import orjson
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_openai import ChatOpenAI
from openai import APIError, Stream

_PATH: Final = "/chat/completions"
_ROLES: Final[Mapping[type[BaseMessage], str]] = {HumanMessage: "user", AIMessage: "assistant"}


class LightChatOpenAI(ChatOpenAI):
    """``ChatOpenAI`` that writes plain messages itself: it looks at every letter of an earlier reply for audio."""

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


def _plain(message: BaseMessage) -> dict[str, str] | None:
    """As OpenAI has it, what the user or the model said, where that is nothing but text."""
    role = _ROLES.get(type(message))
    if role is None or not isinstance(message.content, str) or message.name or message.additional_kwargs:
        return None
    if isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls):
        return None
    return {"content": message.content, "role": role}


def light_model(connections: int, **options: Any) -> ChatOpenAI:
    """A model that talks the lighter way, and keeps at most ``connections`` connections. Options: ``ChatOpenAI``'s."""
    model = LightChatOpenAI(**options)
    model.client = _Completions(model.root_client, connections)
    return model


class OpenAI(openai.OpenAI):
    """The SDK's client for requests that differ in their body only: the first of them is built by the SDK.

    It tells the provider its name, so it has the SDK's.
    """

    _first: Any = None

    @classmethod
    def like(cls, root: openai.OpenAI, tls: ssl.SSLContext) -> OpenAI:
        """One that talks to the same server, over one connection."""
        limits = openai.DEFAULT_CONNECTION_LIMITS.__class__(max_connections=1, max_keepalive_connections=1)
        return cls(
            api_key=root.api_key,
            base_url=root.base_url,
            organization=root.organization,
            timeout=root.timeout,
            max_retries=root.max_retries,
            http_client=openai.DefaultHttpxClient(limits=limits, timeout=root.timeout, verify=tls),
        )

    def _idempotency_key(self) -> str:
        return ""  # OpenAI is sent none

    def _build_request(self, options: Any, *, retries_taken: int = 0) -> Any:
        first = self._first
        if first is None or retries_taken:
            built = super()._build_request(options, retries_taken=retries_taken)
            if not retries_taken:
                self._first = built
            return built
        headers = [pair for pair in first.headers.raw if pair[0].lower() != b"content-length"]
        content = orjson.dumps(options.json_data)
        return type(first)(first.method, first.url, headers=headers, content=content, extensions=first.extensions)


class _JsonStream(Stream[Any]):
    """Server-sent chunks as dictionaries. ``done`` is called once, when it is closed."""

    done: Callable[[], None] | None = None

    def close(self) -> None:
        super().close()
        done, self.done = self.done, None
        if done:
            done()

    def __stream__(self) -> Iterator[Any]:
        events = self._iter_events()
        try:
            for event in events:
                if event.data.startswith("[DONE]"):
                    for _ in events:  # to the end of the body, which gives the connection back to its pool
                        pass
                    return
                try:
                    chunk = orjson.loads(event.data)
                except orjson.JSONDecodeError:
                    chunk = event.json()  # a lone surrogate, which orjson does not take
                if error := chunk.get("error"):
                    message = error.get("message") if isinstance(error, Mapping) else str(error)
                    raise APIError(message or "The stream broke off", self.response.request, body=error)
                yield chunk
        finally:
            self.response.close()


@dataclass(frozen=True, slots=True)
class _Raw:
    """What the SDK's raw responses are asked for."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def parse(self) -> Any:
        return self.body


class _Completions:
    """Stands where the SDK's ``chat.completions`` does. Keeps at most ``most`` clients that wait for a request."""

    def __init__(self, root: openai.OpenAI, most: int) -> None:
        self._root = root
        self._tls = httpx.create_ssl_context()  # one for all: making it takes 20 ms
        self._idle: deque[OpenAI] = deque(maxlen=most)
        weakref.finalize(self, _close, self._idle)

    def _take(self) -> OpenAI:
        """The client that was used last, so that those not needed lose their connection to the server in time."""
        try:
            return self._idle.pop()
        except IndexError:
            return OpenAI.like(self._root, self._tls)

    @property
    def with_raw_response(self) -> _RawCompletions:
        return _RawCompletions(self)

    def create(self, *, stream: bool = False, **payload: Any) -> Any:
        client, body = self._take(), {**payload, "stream": stream}
        if not stream:
            try:
                return client.post(_PATH, body=body, cast_to=object)
            finally:
                self._idle.append(client)
        chunks = None
        try:
            chunks = client.post(_PATH, body=body, cast_to=object, stream=True, stream_cls=_JsonStream)
            chunks.done = lambda: self._idle.append(client)
            return chunks
        finally:
            if chunks is None:
                self._idle.append(client)


@dataclass(frozen=True, slots=True)
class _RawCompletions:
    plain: _Completions

    def create(self, **payload: Any) -> _Raw:
        return _Raw(self.plain.create(**payload))


def _close(clients: Iterable[openai.OpenAI]) -> None:
    for client in clients:
        client.close()
