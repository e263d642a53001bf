"""The older name. ``MemoryStore`` was what conversations were kept in before there were sessions (seed 003)."""

from __future__ import annotations

import warnings
from typing import Any

from memory.clock import iso
from memory.engine import SessionEngine
from memory.policy import SessionPolicy
from memory.stores import open_store


class MemoryStore:
    """Deprecated: use ``SessionEngine``. The old calls still work, on a session like any other."""

    def __init__(self, url: str = "memory://", *, engine: SessionEngine | None = None) -> None:
        warnings.warn(
            "MemoryStore is deprecated: use memory.SessionEngine, whose sessions end by themselves",
            DeprecationWarning,
            stacklevel=2,
        )
        policy = SessionPolicy(duration=1800, inactivity=900, max_turns=20)
        self._engine = engine or SessionEngine(open_store(url), policy, namespace="weather")

    def save_conversation(self, user_id: str, message: str, response: str) -> None:
        """Keep one message with its reply."""
        turn = self._engine.begin_turn(user_id, message)
        try:
            self._engine.finish_turn(turn, response)
        finally:
            self._engine.abandon_turn(turn)

    def get_conversation_history(self, user_id: str, limit: int = 10) -> list[dict[str, Any]]:
        """The newest conversations, oldest first, as ``{"timestamp", "message", "response"}``."""
        turns = self._engine.history(user_id, limit)
        return [{"timestamp": iso(turn.began), "message": turn.message, "response": turn.response} for turn in turns]

    def clear_conversation_history(self, user_id: str) -> None:
        """Forget the user."""
        self._engine.forget(user_id)
