"""Events from Redis: one connection and one thread for all who listen in this process, while anybody does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import redis

from memory.codec import decode_events
from memory.errors import StoreUnavailable
from memory.stores.base import Listener

_PAUSE: Final = 1.0
_GLANCE: Final = 0.25
"""Seconds between two tries to subscribe, and between two looks at whether anybody still listens."""


class Subscription:
    """``make_pubsub`` gives a redis-py pubsub. Where Redis goes away, the subscription comes back to it by itself."""

    def __init__(self, make_pubsub: Callable[[], Any], channel: str) -> None:
        self._make_pubsub = make_pubsub
        self._channel = channel
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._thread: threading.Thread | None = None
        self._subscribed = threading.Event()

    def listen(self) -> Listener:
        """A listener to the events from now on; of a Redis that is away, from when it is back."""
        listener = Listener(on_close=lambda: self._leave(listener))
        self.join(listener, _PAUSE)
        return listener

    def join(self, listener: Listener, patience: float) -> Callable[[], None]:
        """Tell a listener that is there already, until what is returned is called.

        Redis is given ``patience`` seconds to take the subscription.
        """
        with self._lock:
            self._listeners.add(listener)
            if self._thread is None:
                self._subscribed = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._subscribed,), name="parley-events", daemon=True
                )
                self._thread.start()
            subscribed = self._subscribed
        subscribed.wait(patience)
        return lambda: self._leave(listener)

    def close(self) -> None:
        """All listeners leave, and the thread ends."""
        with self._lock:
            self._listeners.clear()
            thread = self._thread
        if thread:
            thread.join(timeout=2 * _PAUSE)

    def _leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def _wanted(self) -> bool:
        with self._lock:
            if not self._listeners:
                self._thread = None
            return bool(self._listeners)

    def _run(self, subscribed: threading.Event) -> None:
        pubsub = None
        while self._wanted():
            try:
                if pubsub is None:
                    pubsub = self._make_pubsub()
                    pubsub.subscribe(self._channel)
                message = pubsub.get_message(timeout=_GLANCE)
            except (redis.exceptions.RedisError, OSError, StoreUnavailable):
                if pubsub is not None:
                    pubsub.close()
                pubsub = None
                threading.Event().wait(_PAUSE)
                continue
            if message and message["type"] == "subscribe":
                subscribed.set()
            elif message and message["type"] == "message":
                self._tell(message["data"])
        if pubsub is not None:
            pubsub.close()

    def _tell(self, data: bytes) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for event in decode_events(data):
            for listener in listeners:
                listener.put(event)
