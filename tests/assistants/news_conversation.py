"""A conversation with the news assistant's offline rules, through its hook, as the server would run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agent.assistant import TurnContext
from agent.offline import Ask
from assistants.news import ASSISTANT
from assistants.news.shelf import SHELF
from memory import Message, Turn

NOW = int(datetime(2026, 11, 20, 10, 30, tzinfo=UTC).timestamp() * 1000)
"""A Friday."""


@contextmanager
def configured(values: Mapping[str, str]) -> Iterator[None]:
    """The assistant set up with these values, and as before afterwards."""
    before = SHELF.library
    SHELF.configure(values)
    try:
        yield
    finally:
        SHELF.library = before


@dataclass
class Conversation:
    """One session; ``says`` is a whole turn, stored as the engine would."""

    attributes: dict[str, Any] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    sources: list[dict[str, str]] = field(default_factory=list)
    known: str = ""

    def says(self, message: str) -> str:
        """The reply; ``sources`` and ``known`` (what a model would be shown) are those of this turn."""
        context = TurnContext("news", "session", message, NOW, history=self.turns, attributes=dict(self.attributes))
        self.known = ASSISTANT.before(context)
        history = [(m.role, m.text) for turn in self.turns for m in turn.messages]
        reply = ASSISTANT.offline(Ask(message, history, turn=context))
        assert isinstance(reply, str)
        self.attributes = context.attributes
        self.sources = context.data["sources"]
        messages = (Message("human", message), Message("ai", reply))
        self.turns.append(Turn(str(len(self.turns)), 0, 0, 0, messages, context.data))
        return reply

    @property
    def titles(self) -> list[str]:
        return [source["title"] for source in self.sources]
