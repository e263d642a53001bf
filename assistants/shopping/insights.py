"""What shoppers talk about right now, and how often a session's answer cache could answer. For the dashboard."""

from __future__ import annotations

from typing import Any, Final

from assistants.shopping.answers import counts
from assistants.shopping.topics import top_topics
from memory import SessionEngine
from memory.engine import iterate_live

MOST_SESSIONS: Final = 1_000
"""Sessions whose counts are added up, those that end last first."""

MOST_READ: Final = 50
"""Sessions whose words are read: each costs a round trip."""

TURNS_READ: Final = 20


def insights(engine: SessionEngine) -> dict[str, Any]:
    """``{topTopics: [{word, count}], cache: {hits, misses}}`` of the live sessions."""
    views = list(iterate_live(engine, limit=MOST_SESSIONS))
    counted = [counts(view.session.attributes) for view in views]
    said = (turn.message for view in views[:MOST_READ] for turn in engine.history(view.session.key.subject, TURNS_READ))
    return {
        "topTopics": top_topics(said, limit=8),
        "cache": {name: sum(each[name] for each in counted) for name in ("hits", "misses")},
    }
