"""What a turn tells while it runs: events that ``/chat`` collects and SSE writes as they come."""

from __future__ import annotations

from dataclasses import dataclass

from memory import FinishedTurn, Message


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool began to run (``started``) or gave its result (``done``)."""

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Done:
    """The turn is stored; only now may the client be told so."""

    finished: FinishedTurn

    @property
    def text(self) -> str:
        return self.finished.turn.response


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply is whole, and nothing of it was stored. ``messages`` are those of the turn, from the user's on."""

    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        return self.messages[-1].text


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn left no trace; ``error`` says why."""

    error: Exception


Event = Token | ToolUsed | Done | Answered | Failed
