"""All that the endpoints work with, made once a process and handed to every blueprint."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.conversation import Conversation, Workers
from agent.models import Models
from agent.registry import Registry, UnknownAssistant
from agent.summaries import Summaries
from api.config import ApiConfig
from memory import Cleaner, SessionEngine, SessionStore, StoreUnavailable
from memory.clock import now_ms
from memory.leases import LeaseKeeper

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Services:
    """One process' engines, conversations and threads. ``session_config`` is shown to operators as it is."""

    config: ApiConfig
    registry: Registry
    store: SessionStore
    engines: Mapping[str, SessionEngine]
    conversations: Mapping[str, Conversation]
    models: Models
    workers: Workers
    leases: LeaseKeeper
    cleaner: Cleaner
    metrics: Any
    archive: Any = None
    summaries: Summaries | None = None
    webhooks: Any = None
    session_config: Mapping[str, int] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)
    started: int = field(default_factory=now_ms)
    draining: threading.Event = field(default_factory=threading.Event)
    cleaners: list[Cleaner] = field(default_factory=list)

    def engine(self, name: str) -> SessionEngine:
        """The engine of an assistant, or ``UnknownAssistant``."""
        if name not in self.engines:
            raise UnknownAssistant(name, self.engines)
        return self.engines[name]

    def conversation(self, name: str) -> Conversation:
        if name not in self.conversations:
            raise UnknownAssistant(name, self.conversations)
        return self.conversations[name]

    def start(self) -> None:
        """Start the threads; in the process that serves, after the fork."""
        if self.archive and not self._archive_is_ready():
            threading.Thread(target=self._wait_for_archive, name="parley-archive", daemon=True).start()
        if self.webhooks:
            self.webhooks.start()
        for cleaner in self._all_cleaners():
            cleaner.start()

    def close(self, drain: float) -> int:
        """Finish running turns (at most ``drain`` seconds), stop the threads; how many turns were left."""
        self.draining.set()
        until = time.monotonic() + drain
        left = self.workers.drain(drain)
        if self.summaries:
            self.summaries.close()
        for cleaner in self._all_cleaners():
            cleaner.stop()
        for engine in self.engines.values():
            engine.shutdown()
        self.leases.close()
        self.store.close_store()
        if self.webhooks:  # after all that ends sessions
            self.webhooks.stop(max(2.0, until - time.monotonic()))
        if self.archive:
            self.archive.close()
        return left

    def _archive_is_ready(self) -> bool:
        """Bring the archive's tables up to date; False where it does not answer."""
        try:
            self.archive.migrate()
        except StoreUnavailable as error:
            log.warning("%s; chats that are archived are refused until it does", error)
            return False
        return True

    def _wait_for_archive(self) -> None:
        wait = 1.0
        while not self.draining.wait(wait) and not self._archive_is_ready():
            wait = min(2 * wait, 30.0)

    def _all_cleaners(self) -> Sequence[Cleaner]:
        return (self.cleaner, *self.cleaners)
