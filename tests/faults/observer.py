"""Users who talk over HTTP while things break, and an observer who checks afterwards what they were told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import orjson

PATIENCE = 40.0
"""Seconds that a user tries to get one message answered."""


@dataclass(slots=True)
class Told:
    """A turn that a user was told to be done."""

    message: str
    response: str
    degraded: bool


@dataclass(slots=True)
class Storm:
    """``users`` talk at once, ``turns`` messages each. Every user stays with an instance, or moves on with each turn.

    A request that fails is sent again with its idempotency key: to the same instance, or to the next one where users
    move or the instance is gone.
    """

    urls: Sequence[str]
    users: int
    turns: int
    moving: bool = False
    stream: bool = False
    told: dict[str, list[Told]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    errors: dict[int, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> Storm:
        for number in range(self.users):
            thread = threading.Thread(target=self._talk, args=(f"user{number}", number), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def join(self) -> Storm:
        for thread in self._threads:
            thread.join(PATIENCE * 3)
        return self

    @property
    def acknowledged(self) -> int:
        with self._lock:
            return sum(len(turns) for turns in self.told.values())

    def until(self, share: float) -> None:
        """Return once this share of all turns was acknowledged (or nobody talks any more)."""
        wanted = share * self.users * self.turns
        while self.acknowledged < wanted and any(thread.is_alive() for thread in self._threads):
            time.sleep(0.005)

    def _talk(self, user: str, number: int) -> None:
        with httpx.Client(timeout=30.0, trust_env=False) as client:
            for turn in range(self.turns):
                self._say(client, user, f"{user} says {turn}", number + (turn if self.moving else 0))

    def _say(self, client: httpx.Client, user: str, message: str, instance: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            begun = time.monotonic()
            try:
                answer = client.post(
                    f"{self.urls[instance % len(self.urls)]}/chat{'/stream' if self.stream else ''}",
                    json={"message": message, "userId": user},
                    headers={"Idempotency-Key": message.replace(" ", "-")},
                )
                body = last_event(answer.text) if self.stream and answer.is_success else answer.json()
            except httpx.TransportError:
                instance += 1  # it is gone, or was killed with our request
                time.sleep(0.05)
                continue
            if answer.status_code == httpx.codes.OK:
                with self._lock:
                    self.told.setdefault(user, []).append(Told(message, body["response"], body["degraded"]))
                    self.seconds.append(time.monotonic() - begun)
                return
            status = answer.status_code
            if status == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers:
                status = -status  # said as it should be; counted apart
            with self._lock:
                self.errors[status] = self.errors.get(status, 0) + 1
            time.sleep(0.1)
        with self._lock:
            self.unanswered.append(message)


def last_event(text: str) -> dict[str, Any]:
    """The data of a stream's ``done``; a stream that ended without one counts as a broken connection."""
    name, _, data = text.strip().rpartition("event: ")[2].partition("\ndata: ")
    if name != "done":
        raise httpx.ReadError("the stream ended before its done")
    return dict(orjson.loads(data))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the turns that users were told of: each must be there once, in order, and whole."""

    acknowledged: int
    lost: int
    doubled: int
    disordered: int


def judge(storm: Storm, history: Callable[[str], list[dict[str, str]]]) -> Verdict:
    """Compare what users were told with the history that ``history(user)`` gives, oldest first."""
    lost = doubled = disordered = 0
    for user, told in storm.told.items():
        kept = history(user)
        words = [(entry["message"], entry["response"]) for entry in kept]
        messages = [message for message, _ in words]
        lost += sum((each.message, each.response) not in words for each in told)
        doubled += len(messages) - len(set(messages))
        order = [messages.index(each.message) for each in told if each.message in messages]
        disordered += sum(later < earlier for earlier, later in pairwise(order))
    return Verdict(storm.acknowledged, lost, doubled, disordered)
