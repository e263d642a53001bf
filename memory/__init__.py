"""Bounded conversation memory for any LangChain program: sessions that end by themselves, in Redis or in process.

from memory import SessionEngine, SessionPolicy, open_store

engine = SessionEngine(open_store("redis://localhost:6379/0"), SessionPolicy(inactivity=900), namespace="demo")
turn = engine.begin_turn("user123", "Hello")
engine.finish_turn(turn, "Hello! How can I help?")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory.cleanup import Cleaner, sweep
from memory.engine import FinishedTurn, RunningTurn, SessionEngine, View
from memory.errors import (
    IdempotencyMismatch,
    InvalidKey,
    ParleyError,
    SessionBusy,
    SessionNotFound,
    StaleTurn,
    StoreFull,
    StoreUnavailable,
    TooLarge,
)
from memory.policy import Extension, SessionPolicy, Verdict, verdict
from memory.session import EndedSession, Key, Message, Session, Turn
from memory.stores import SessionStore, open_failover_store, open_store
from memory.summary import Summary

if TYPE_CHECKING:
    from memory.history import SessionChatMessageHistory, SessionMemory
    from memory.legacy import MemoryStore

__all__ = [
    "Cleaner",
    "EndedSession",
    "Extension",
    "FinishedTurn",
    "IdempotencyMismatch",
    "InvalidKey",
    "Key",
    "MemoryStore",
    "Message",
    "ParleyError",
    "RunningTurn",
    "Session",
    "SessionBusy",
    "SessionChatMessageHistory",
    "SessionEngine",
    "SessionMemory",
    "SessionNotFound",
    "SessionPolicy",
    "SessionStore",
    "StaleTurn",
    "StoreFull",
    "StoreUnavailable",
    "Summary",
    "TooLarge",
    "Turn",
    "Verdict",
    "View",
    "open_failover_store",
    "open_store",
    "sweep",
    "verdict",
]

_LATE = {"SessionChatMessageHistory": "history", "SessionMemory": "history", "MemoryStore": "legacy"}


def __getattr__(name: str) -> Any:
    """What needs LangChain (a second of import) is imported when it is asked for."""
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(f"memory.{_LATE[name]}"), name)
    raise AttributeError(f"module 'memory' has no attribute {name!r}")
