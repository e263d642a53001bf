"""Somebody who is told by webhooks: a real HTTP server on a free port that answers as a test says.

with Receiver() as receiver:
    receiver.will(500)                                  # to the first message; 200 to all others
    ...                                                 # point WEBHOOK_URL at receiver.url
    assert receiver.told(1)[0].data["endReason"] == "manual"
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from standardwebhooks import Webhook

from tests.fakes.threaded import ThreadedService
from tests.processes import wait_until

SECRET: Final = "whsec_" + "c2VjcmV0" * 6


@dataclass(frozen=True, slots=True)
class Answer:
    """``drip`` sends the head byte by byte, that many seconds apart, until the sender goes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass(frozen=True, slots=True)
class Post:
    """One attempt as it came; ``event`` raises where the signature is wrong."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def event(self, secret: str = SECRET) -> dict[str, Any]:
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.event()["data"]
        return data


class Receiver(ThreadedService):
    """``posts`` are all attempts in the order of their arrival. While ``held``, none is answered."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.connections = 0
        self._answers: deque[Answer] = deque()
        self._free = threading.Event()
        self._free.set()
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        return f"{self.base_url}/hook?token=sesame"

    def will(self, *answers: int | Answer) -> None:
        """What the next posts are answered."""
        self._answers.extend(each if isinstance(each, Answer) else Answer(each) for each in answers)

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def told(self, number: int, seconds: float = 10.0) -> list[Post]:
        """All posts, once there are so many."""
        wait_until(lambda: len(self.posts) >= number, f"{number} posts (there are {len(self.posts)})", seconds)
        return list(self.posts)

    def stop(self) -> None:
        self.release()
        super().stop()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver._answers.popleft() if receiver._answers else Answer()
            receiver.posts.append(Post({name.lower(): value for name, value in self.headers.items()}, body))
            receiver._free.wait(30)
            with suppress(OSError):
                if answer.drip:
                    self._drip(answer.drip)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

        def _drip(self, seconds: float) -> None:
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not receiver.over.wait(seconds):
                self.wfile.write(b"x")
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
            """Keep quiet."""

    return Handler
