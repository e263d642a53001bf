"""What is told of each turn to whoever counts: how it ended, and where its time went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from agent.errors import ModelTimeout, ModelUnavailable, OverCapacity, TurnStopped
from agent.events import Answered, Done, Failed
from memory import IdempotencyMismatch, SessionBusy, SessionNotFound, StaleTurn, StoreFull, StoreUnavailable

OUTCOMES: Final[dict[type[Exception], str]] = {
    ModelTimeout: "model_timeout",
    ModelUnavailable: "model_unavailable",
    OverCapacity: "over_capacity",
    SessionBusy: "session_busy",
    StaleTurn: "session_ended",
    StoreFull: "over_capacity",
    StoreUnavailable: "store_unavailable",
    TurnStopped: "stopped",
    IdempotencyMismatch: "refused",
    SessionNotFound: "refused",
}
"""How a turn that left no trace ended; any other error is ``error``. Besides there are ``done``, ``interrupted`` and
``replayed``."""


@dataclass(slots=True)
class Tally:
    """One turn's seconds and tokens. ``store`` includes waiting for another turn of the session."""

    assistant: str
    began: float = field(default_factory=time.monotonic)
    store: float = 0.0
    model: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cached: bool = False

    @contextmanager
    def in_store(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.store += time.monotonic() - begun

    def asked(self, seconds: float, usage: Any) -> None:
        """A model was asked; ``usage`` is LangChain's ``usage_metadata`` where the provider told."""
        self.model += seconds
        if usage:
            self.input_tokens += int(usage.get("input_tokens", 0))
            self.output_tokens += int(usage.get("output_tokens", 0))


class Watch(Protocol):
    """Called in the turn's own thread: it has to be quick, and must not raise."""

    def began(self, assistant: str) -> None: ...
    def ended(self, tally: Tally, outcome: str, seconds: float) -> None: ...


class Nobody:
    """Does not look."""

    def began(self, assistant: str) -> None:
        pass

    def ended(self, tally: Tally, outcome: str, seconds: float) -> None:
        pass


def outcome_of(last: Done | Answered | Failed) -> str:
    """How a turn ended, by its last event."""
    if isinstance(last, Failed):
        return outcome_of_error(last.error)
    if isinstance(last, Done):
        return "replayed" if last.finished.replayed else "interrupted" if last.finished.turn.interrupted else "done"
    return "done"


def outcome_of_error(error: BaseException) -> str:
    return next((OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES), "error")
