"""A session at a glance: what it holds, and how it was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistants.shopping import answers, cart
from assistants.shopping.durations import short
from assistants.shopping.topics import top_topics
from memory import Session, Turn, View
from memory.clock import iso


def own_turns(view: View) -> list[Turn]:
    """The turns of this very session: what was said under its id before it was opened is not its own."""
    return [turn for turn in view.turns if turn.session_started == view.session.started]


def session_info(session: Session) -> dict[str, Any]:
    """``{created_at, last_active, conversation_count, preferences, shopping_cart, purchases}``.

    ``conversation_count`` counts every turn of the session, ``shopping_cart`` is the lines of the cart, and the newest
    purchase stands first.
    """
    document = session.attributes
    return {
        "created_at": iso(session.started),
        "last_active": iso(session.last_activity),
        "conversation_count": session.turns,
        "preferences": dict(document.get("preferences") or {}),
        "shopping_cart": cart.view(document)["items"],
        "purchases": cart.purchases(document),
    }


def analytics(session: Session, turns: Sequence[Turn]) -> dict[str, Any]:
    """``{session_duration, user_message_count, assistant_message_count, top_topics, cart, cache}``.

    Messages and topics are those of ``turns``, what is kept of the conversation; ``cart`` counts units.
    """
    return {
        "session_duration": short(session.last_activity - session.started),
        "user_message_count": len(turns),
        "assistant_message_count": sum(1 for turn in turns if turn.response),
        "top_topics": top_topics(turn.message for turn in turns),
        "cart": cart.stats(session.attributes),
        "cache": _cache(session.attributes),
    }


def _cache(document: Mapping[str, Any]) -> dict[str, Any]:
    """``{hits, misses, hit_rate}``: of the questions that can be answered from the cache, how many were (0 to 1)."""
    counted = answers.counts(document)
    asked = counted["hits"] + counted["misses"]
    return {**counted, "hit_rate": round(counted["hits"] / asked, 3) if asked else 0.0}
