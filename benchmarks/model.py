"""A model that costs next to nothing, in OpenAI's wire format: every answer is the same, made before the first request.

    python -m benchmarks.model --port 8080 [--think 1.0] [--tokens 50] [--over 1.0]

A whole answer comes after ``think`` seconds; a stream brings its tokens evenly, the last one after ``over`` seconds.
``GET /late`` tells how late tokens and answers were written since it was asked last (ms, p50 and p95): what a server
under test must not be blamed for.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import resource
from typing import Any, Final

import orjson
import uvloop

from benchmarks.results import percentile
from tests.fakes.http import chunk
from tests.fakes.openai_wire import Reply, completion, pieces
from tests.processes import LOOPBACK

HEAD_END: Final = b"\r\n\r\n"
TOKEN: Final = "~"
"""Each token has one, and nothing else that a server writes of its own: so tokens can be counted in the raw bytes."""


class Answers:
    """The bytes of all answers, and when they are due."""

    def __init__(self, think: float, tokens: int, over: float) -> None:
        self.think = think
        self.every = over / tokens
        self.late = array.array("d")
        reply = Reply(" ".join([f"word{TOKEN}"] * tokens))
        request: dict[str, Any] = {"model": "fake", "messages": [{"role": "user", "content": "Hello"}]}
        self.whole = _response(b"application/json", completion(reply, request))
        with_usage = {**request, "stream_options": {"include_usage": True}}
        self.streams = {usage: _steps(pieces(reply, with_usage if usage else request)) for usage in (False, True)}


def _steps(events: list[bytes]) -> list[bytes]:
    """What is written at each step: the head; then a token each, the first with its role and the last with the end."""
    opening, *tokens = events
    at = next(number for number, event in enumerate(tokens) if TOKEN.encode() not in event)
    chunks = [chunk(event) for event in tokens[:at]]
    chunks[0] = chunk(opening) + chunks[0]
    chunks[-1] += b"".join(map(chunk, tokens[at:])) + chunk(b"")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head, *chunks]


def _response(content_type: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (content_type, len(body), body)


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, answers: Answers, loop: asyncio.AbstractEventLoop) -> None:
        self._answers = answers
        self._loop = loop
        self._buffer = b""
        self._steps: list[bytes] = []
        self._at = 0
        self._begun = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 : head.find(b"\r", at) if head.find(b"\r", at) > 0 else end]) if at > 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        self._begun = self._loop.time()
        if head.startswith(b"get"):
            self._tell()
        elif b'"stream":true' in body or b'"stream": true' in body:
            usage = b'"include_usage":true' in body or b'"include_usage": true' in body
            self._steps, self._at = self._answers.streams[usage], 1
            self._transport.write(self._steps[0])
            self._wait(self._answers.every)
        else:
            self._timer = self._loop.call_later(self._answers.think, self._answer)

    def _answer(self) -> None:
        self._answers.late.append(self._loop.time() - self._begun - self._answers.think)
        self._transport.write(self._answers.whole)

    def _wait(self, after: float) -> None:
        self._timer = self._loop.call_at(self._begun + after, self._next)

    def _next(self) -> None:
        """Write what is due by now, which is more than one token where this process was not woken in time."""
        spent = self._loop.time() - self._begun
        due = min(len(self._steps) - 1, max(self._at, int(spent / self._answers.every)))
        self._answers.late.append(spent - self._at * self._answers.every)
        self._transport.write(self._steps[due] if due == self._at else b"".join(self._steps[self._at : due + 1]))
        self._at = due + 1
        if self._at < len(self._steps):
            self._wait(self._at * self._answers.every)

    def _tell(self) -> None:
        late, self._answers.late = self._answers.late, array.array("d")
        told = {"p50_ms": 1_000 * percentile(late, 0.5), "p95_ms": 1_000 * percentile(late, 0.95)}
        self._transport.write(_response(b"application/json", orjson.dumps(told)))


async def _serve(port: int, answers: Answers) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(answers, loop), LOOPBACK, port, backlog=4_096)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--tokens", type=int, default=50)
    parser.add_argument("--over", type=float, default=1.0)
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_serve(chosen.port, Answers(chosen.think, chosen.tokens, chosen.over)))


if __name__ == "__main__":
    main()
