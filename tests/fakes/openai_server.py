"""A model on a free port of this machine: real HTTP in OpenAI's wire format, answering as a test tells it.

    with OpenAIServer() as model:
        model.will(Reply(tools=[ToolUse("get_weather", {"city": "London"})]), "Cloudy, 9 °C.")
        ...                                              # point OPENAI_BASE_URL at model.url
        assert model.calls[0].tools == ["get_weather"]   # what the model was sent

Alone, for measurements: ``python -m tests.fakes.openai_server --port 8080 --think 1.0 --tokens 50``.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import orjson

from tests.fakes import openai_wire as wire
from tests.fakes.http import Connection, HTTPRequest, chunk
from tests.fakes.openai_wire import Reply, ToolUse
from tests.processes import LOOPBACK, Service, free_port

__all__ = ["Call", "OpenAIServer", "Reply", "ToolUse"]

BACKLOG = 4_096
CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
JSON = "application/json"


@dataclass(slots=True)
class Call:
    """One request as it came: ``body`` is its JSON. ``abandoned``: the client hung up before the reply was over."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    abandoned: bool = False

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body.get("messages", []))

    @property
    def said(self) -> list[tuple[str, str]]:
        """(role, text) of each message, which is short to compare with."""
        return [(message["role"], _text(message.get("content"))) for message in self.messages]

    @property
    def tools(self) -> list[str]:
        """The names of the tools offered."""
        return [tool["function"]["name"] for tool in self.body.get("tools", [])]

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


Answers = Callable[[Call], Reply | str]


def echo(call: Call) -> str:
    """Repeats the last message."""
    return f"You said: {call.said[-1][1]}"


class OpenAIServer(Service):
    """Serves from a thread of its own. What was queued by ``will`` is said first; then ``answers`` is asked.

    ``calls`` has every request in the order of arrival, unless ``record`` is false; ``accepted`` counts connections.
    """

    def __init__(self, answers: Answers = echo, *, port: int | None = None, record: bool = True) -> None:
        self.port = port or free_port()
        self.answers = answers
        self.calls: list[Call] = []
        self.accepted = 0
        self._record = record
        self._queue: deque[Reply | str] = deque()
        self._connections: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving = threading.Event()

    @property
    def url(self) -> str:
        """What ``OPENAI_BASE_URL`` takes."""
        return f"http://{LOOPBACK}:{self.port}/v1"

    def will(self, *replies: Reply | str) -> None:
        """Queue replies to the next chat requests, whoever sends them."""
        self._queue.extend(replies)

    @property
    def chats(self) -> list[Call]:
        return [call for call in self.calls if call.path == CHAT]

    def start(self) -> Self:
        listener = socket.create_server((LOOPBACK, self.port), backlog=BACKLOG)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, listener), name="openai-server", daemon=True
        )
        self._thread.start()
        self._serving.wait()
        return self

    def stop(self) -> None:
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = self._thread = None

    def wait(self) -> None:
        """Serve until interrupted."""
        if self._thread is not None:
            self._thread.join()

    def _accept(self) -> Connection:
        self.accepted += 1
        return Connection(self._serve, self._connections)

    def _run(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        server = loop.run_until_complete(loop.create_server(self._accept, sock=listener, backlog=BACKLOG))
        self._serving.set()
        loop.run_forever()
        loop.run_until_complete(self._close(server))
        loop.close()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for connection in list(self._connections):
            connection.cut()
        await server.wait_closed()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _serve(self, request: HTTPRequest, client: Connection) -> None:
        if "authorization" not in request.headers:
            client.send(401, JSON, wire.error(401, "You didn't provide an API key."))
            return
        if request.method != "POST" or request.path not in (CHAT, EMBEDDINGS):
            client.send(404, JSON, wire.error(404, f"Invalid URL ({request.method} {request.path})"))
            return
        call = Call(request.path, dict(request.headers), orjson.loads(request.body))
        if self._record:
            self.calls.append(call)
        try:
            await self._answer(call, client)
        except asyncio.CancelledError:
            call.abandoned = True
            raise

    async def _answer(self, call: Call, client: Connection) -> None:
        if call.path == EMBEDDINGS:
            client.send(200, JSON, wire.embeddings(call.body))
            return
        if (wrong := wire.complaint(call.body)) is not None:
            client.send(400, JSON, wire.error(400, wrong))
            return
        reply = self._queue.popleft() if self._queue else self.answers(call)
        if isinstance(reply, str):
            reply = Reply(reply)
        if reply.hang:
            await asyncio.Event().wait()
        if reply.think:
            await asyncio.sleep(reply.think)
        if reply.cut_after == 0:
            client.cut()
        elif reply.status >= 400:
            headers = {} if reply.retry_after is None else {"Retry-After": f"{reply.retry_after:g}"}
            client.send(reply.status, JSON, wire.error(reply.status, reply.text or None), headers)
        elif call.stream:
            await _stream(wire.pieces(reply, call.body), reply, client)
        else:
            _send(wire.completion(reply, call.body), reply, client)


async def _stream(pieces: list[bytes], reply: Reply, client: Connection) -> None:
    client.begin(200, "text/event-stream; charset=utf-8")
    kept = pieces[: reply.cut_after]
    if reply.drip:
        for piece in kept:
            client.write(chunk(piece))
            await asyncio.sleep(reply.drip)
    else:
        client.write(b"".join(map(chunk, kept)))
    if reply.cut_after is None:
        client.write(chunk(b""))
    else:
        client.cut()


def _send(body: bytes, reply: Reply, client: Connection) -> None:
    if reply.cut_after is None:
        client.send(200, JSON, body)
    else:
        client.send(200, JSON, body, only=len(body) // 2)
        client.cut()


def _text(content: Any) -> str:
    """A message's text, whether it came as a string or in parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def main() -> None:
    """Serve until interrupted, with one and the same answer."""
    parser = argparse.ArgumentParser(description="A model of OpenAI's wire format, for measurements.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--think", type=float, default=1.0, help="seconds before the first byte (default: 1)")
    parser.add_argument("--tokens", type=int, default=50, help="words of the answer (default: 50)")
    parser.add_argument("--drip", type=float, default=0.0, help="seconds between the pieces of a stream (default: 0)")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reply = Reply(" ".join(["word"] * options.tokens), think=options.think, drip=options.drip)
    with OpenAIServer(lambda call: reply, port=options.port, record=False) as server, suppress(KeyboardInterrupt):
        print(f"OPENAI_BASE_URL={server.url}", flush=True)
        server.wait()


if __name__ == "__main__":
    main()
