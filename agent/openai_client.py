"""A lighter way through OpenAI's SDK for ``ChatOpenAI``: the same client, retries, time-outs and errors, less work.

The SDK builds typed models of what it sends and of every chunk that it receives, which ``ChatOpenAI`` takes apart
again at once. Here requests go out and chunks come in as plain JSON. A streamed body is read to its end, so that its
connection serves the next turn (the SDK closes it at ``[DONE]``). And several HTTP clients take turns, because what a
request costs in one pool grows with the connections of that pool.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import orjson
from langchain_openai import ChatOpenAI
from openai import APIError, Stream

_PATH: Final = "/chat/completions"
_POOLS: Final = 8


def lighten(model: ChatOpenAI, connections: int) -> ChatOpenAI:
    """Let this model talk the lighter way, over at most ``connections`` connections."""
    root: openai.OpenAI = model.root_client
    limit = max(1, -(-connections // _POOLS))
    model.client = _Completions([root.copy(http_client=_pool(root, limit)) for _ in range(min(_POOLS, connections))])
    return model


def _pool(root: openai.OpenAI, connections: int) -> Any:
    limits = openai.DEFAULT_CONNECTION_LIMITS.__class__(
        max_connections=connections, max_keepalive_connections=connections
    )
    return openai.DefaultHttpxClient(limits=limits, timeout=root.timeout)


class _JsonStream(Stream[Any]):
    """Server-sent chunks as dictionaries."""

    def __stream__(self) -> Iterator[Any]:
        events = self._iter_events()
        try:
            for event in events:
                if event.data.startswith("[DONE]"):
                    for _ in events:  # to the end of the body, which gives the connection back to its pool
                        pass
                    return
                chunk = orjson.loads(event.data)
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
    """Stands where the SDK's ``chat.completions`` does."""

    def __init__(self, clients: list[openai.OpenAI]) -> None:
        self._clients = itertools.cycle(clients)  # next() of it is one step of the interpreter: safe for threads
        weakref.finalize(self, _close, clients)

    @property
    def with_raw_response(self) -> _RawCompletions:
        return _RawCompletions(self)

    def create(self, *, stream: bool = False, **payload: Any) -> Any:
        client = next(self._clients)
        if stream:
            return client.post(
                _PATH, body={**payload, "stream": True}, cast_to=object, stream=True, stream_cls=_JsonStream
            )
        return client.post(_PATH, body=payload, cast_to=object)


@dataclass(frozen=True, slots=True)
class _RawCompletions:
    plain: _Completions

    def create(self, **payload: Any) -> _Raw:
        return _Raw(self.plain.create(**payload))


def _close(clients: list[openai.OpenAI]) -> None:
    for client in clients:
        client.close()
