"""A turn while its model works: what was said so far, who listens, and how it ended. It ends once, whoever ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

from agent.events import Answered, Done, Event, Failed, Token
from agent.watch import Tally
from memory.text import storable

FRAME: Final = 0.04
"""Seconds between two looks at what is said: 25 a second read as fluent, and each costs a listener a write."""


class LiveTurn:
    """Joins the thread that works with those that listen and those that stop it.

    Exactly one caller of ``take_ending`` is told True: that one stores or abandons the turn and says the last event.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._ending = False
        self._over = threading.Event()

    def say(self, event: Event) -> bool:
        """Pass an event on. False once the turn was ended by somebody else: nothing more is wanted."""
        if isinstance(event, Token):
            event = Token(storable(event.text))
        with self._changed:
            if self._ending:
                return False
            self._events.append(event)
            self._changed.notify_all()
            return True

    def take_ending(self) -> bool:
        with self._changed:
            if self._ending:
                return False
            self._ending = True
            return True

    def end(self, last: Done | Answered | Failed) -> None:
        """Say the last event; only for whoever took the ending."""
        with self._changed:
            self._events.append(last)
            self._changed.notify_all()
        self._over.set()

    @property
    def said(self) -> str:
        """The words so far."""
        with self._changed:
            return "".join(event.text for event in self._events if isinstance(event, Token))

    def events(self, *, heartbeat: float, deadline: float) -> Iterator[Event | None]:
        """Events as they come, the last being ``Done``, ``Answered`` or ``Failed``.

        None says that there is nothing more just now: after all that came within a ``FRAME``, every ``heartbeat``
        seconds of silence, and once at the ``deadline`` (monotonic seconds) and every second after it.
        """
        at = 0
        while True:
            with self._changed:
                if at == len(self._events):
                    left = deadline - time.monotonic()
                    self._changed.wait(min(heartbeat, left) if left > 0 else 1.0)
                fresh = self._events[at:]
            at += len(fresh)
            yield from fresh
            if fresh and isinstance(fresh[-1], Done | Answered | Failed):
                return
            yield None
            if fresh:
                self._over.wait(FRAME)
