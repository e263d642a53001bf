"""Messages on their way to one address: a bounded queue, and a thread that posts them one after the other.

Whoever puts a message never waits. One that is not taken is tried again at growing intervals, and given up in the end;
meanwhile the others wait behind it, since the address rather than the message is to blame most of the time.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpcore
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_when_event_set
from tenacity.nap import sleep_using_event

from agent.timed_network import TimedNetwork

log = logging.getLogger(__name__)

GONE: Final = 410
SUCCESS: Final = range(200, 300)
LONGEST_BODY: Final = 16_384


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for one attempt, from name to status; how many attempts; the first pause between two, which doubles up
    to the ``longest``. As they are, a message is given up after about a quarter of an hour: nine pauses of 511 s
    together, and two of 300 s, each shortened by up to a half."""

    attempt: float = 15.0
    attempts: int = 12
    first: float = 1.0
    longest: float = 300.0

    def pause(self, tries: int, asked: float = 0.0, chance: Callable[[], float] = random.random) -> float:
        """Seconds until the next attempt after so many, between half and all of the interval, so that not everybody
        comes at once; at least those that the receiver ``asked`` for, as far as that is no longer than the longest."""
        interval = min(self.first * 2.0 ** min(tries - 1, 30), self.longest)
        return max(interval * (0.5 + chance() / 2), min(asked, self.longest))


class NotTaken(Exception):
    """``status`` is None where there was no answer, ``asked`` the seconds of its Retry-After."""

    def __init__(self, why: str, status: int | None = None, asked: float = 0.0) -> None:
        super().__init__(why)
        self.status = status
        self.asked = asked


class Delivery:
    """``headers`` are made for each attempt. ``count`` is told of each message: delivered, failed or dropped.

    Redirects are not followed. An address that answers 410 is told nothing more until the process starts again.
    """

    def __init__(
        self,
        url: str,
        headers: Callable[[Message], dict[str, str]],
        *,
        size: int,
        count: Callable[[str], None],
        patience: Patience = Patience(),
    ) -> None:
        self._url = url
        self._name = urlsplit(url).hostname or "?"
        """For the log: an address may hold a secret."""
        self._headers = headers
        self._size = size
        self._count = count
        self._patience = patience
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._until = float("inf")
        self._full = self._gone = False
        self._network = TimedNetwork()
        self._pool: httpcore.ConnectionPool | None = None
        self._thread: threading.Thread | None = None

    def put(self, message: Message) -> None:
        """Never waits: what finds no room is counted as dropped."""
        with self._changed:
            full = len(self._waiting) >= self._size
            if not (full or self._gone or self._stopping.is_set()):
                self._waiting.append(message)
                self._changed.notify()
                self._full = False
                return
            begins, self._full = full and not self._full, full
        if begins:
            log.error("the queue of webhooks to %s is full (%d): what does not fit is dropped", self._name, self._size)
        self._count("dropped")

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="parley-webhooks", daemon=True)
        self._thread.start()

    def finish(self, deadline: float) -> None:
        """Try what waits, once each, until the (monotonic) deadline."""
        with self._changed:
            self._until = deadline
            self._stopping.set()
            self._changed.notify()

    def join(self) -> None:
        """Wait for the end that ``finish`` asked for; what is left then is dropped."""
        if self._thread:
            self._thread.join(max(0.0, self._until - time.monotonic()))
        self._drop_waiting("the server stops")

    def _run(self) -> None:
        with httpcore.ConnectionPool(network_backend=self._network, max_connections=1, retries=0) as self._pool:
            while (message := self._next()) is not None:
                self._deliver(message)

    def _next(self) -> Message | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            late = time.monotonic() >= self._until
            return self._waiting.popleft() if self._waiting and not late else None

    def _deliver(self, message: Message) -> None:
        attempts = Retrying(
            stop=stop_after_attempt(self._patience.attempts) | stop_when_event_set(self._stopping),
            wait=self._pause,
            sleep=sleep_using_event(self._stopping),
            retry=retry_if_exception_type(NotTaken),
            reraise=True,
        )
        try:
            attempts(self._attempt, message)
        except NotTaken as error:
            self._count("failed")
            log.warning("the webhook %s to %s is given up: %s", message.id, self._name, error)
        except Exception:  # the thread must outlive whatever one message meets
            self._count("failed")
            log.exception("the webhook %s to %s failed", message.id, self._name)
        else:
            self._count("dropped" if self._gone else "delivered")

    def _attempt(self, message: Message) -> None:
        status, asked = self._post(message)
        if status in SUCCESS:
            return
        if status != GONE:
            raise NotTaken(f"its receiver answers {status}", status, asked)
        with self._changed:
            self._gone = True
        self._drop_waiting("its receiver answers 410, so it is told nothing more until this server starts again")

    def _post(self, message: Message) -> tuple[int, float]:
        """Status and Retry-After (s)."""
        assert self._pool is not None
        self._network.deadline = min(time.monotonic() + self._patience.attempt, self._until)
        headers = list(self._headers(message).items())
        try:
            with self._pool.stream("POST", self._url, headers=headers, content=message.body) as answer:
                _read(answer)
                asked = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
                return answer.status, float(asked) if asked.isdigit() else 0.0
        except httpcore.TimeoutException as error:
            raise NotTaken(f"no answer within {self._patience.attempt:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise NotTaken(f"{type(error).__name__}: {error}"[:200]) from error

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.asked if isinstance(error, NotTaken) else 0.0
        if state.attempt_number == 1:
            log.info("a webhook to %s was not taken and is tried again: %s", self._name, error)
        return self._patience.pause(state.attempt_number, asked)

    def _drop_waiting(self, why: str) -> None:
        with self._changed:
            left = len(self._waiting)
            self._waiting.clear()
        for _ in range(left):
            self._count("dropped")
        if left:
            log.error("%d webhooks to %s are dropped: %s", left, self._name, why)


def _read(answer: httpcore.Response) -> None:
    """Read a short body to its end, so that its connection serves the next message; a long one is not waited for."""
    length = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for piece in answer.iter_stream():
            length += len(piece)
            if length > LONGEST_BODY:
                return
