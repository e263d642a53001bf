"""What is going on right now, in the shape that seed 000 shows. Pure: from the live sessions of the index to JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from assistants.junkjet.profile import public
from memory.session import Session

_MINUTE: Final = 60_000


def remaining_minutes(expires_at: int, now: int) -> int:
    """Whole minutes until ``expires_at``, rounded up: 1 as long as there is anything left, then 0. Both in ms."""
    return max(0, math.ceil((expires_at - now) / _MINUTE))


def age_minutes(session: Session, now: int) -> int:
    """Whole minutes since the session began, those that are full."""
    return max(0, now - session.started) // _MINUTE


def analytics(sessions: Iterable[tuple[Session, int]], now: int, histories: int | None = None) -> dict[str, Any]:
    """The analytics document. ``sessions`` are (session, when it ends in ms); those that have ended are left out.

    ``histories`` is how many conversation histories are kept. They outlive their sessions, so the store knows better;
    without it, the sessions with turns that are still kept are counted. ``averageSessionLength`` is in minutes.
    """
    live = [(session, expires_at) for session, expires_at in sessions if expires_at > now]
    details = [detail(session, expires_at, now) for session, expires_at in live]
    lengths = [max(0, now - session.started) / _MINUTE for session, _ in live]
    kept = sum(session.stored_bytes > 0 for session, _ in live)
    return {
        "totalActiveSessions": len(live),
        "totalConversationHistories": kept if histories is None else histories,
        "sessionDetails": details,
        "summary": {
            "averageSessionLength": round(sum(lengths) / len(lengths), 1) if lengths else 0.0,
            "totalMessages": sum(each["messageCount"] for each in details),
            "userTypes": dict(sorted(Counter(each["userType"] for each in details).items())),
            "topIntents": dict(Counter(each["currentIntent"] for each in details).most_common()),
        },
    }


def detail(session: Session, expires_at: int, now: int) -> dict[str, Any]:
    """One entry of ``sessionDetails``. ``messageCount`` counts the user's messages."""
    known = public(session.attributes)
    return {
        "userId": session.key.subject,
        "sessionAge": age_minutes(session, now),
        "messageCount": session.turns,
        "userType": known["userType"],
        "currentIntent": known["currentIntent"],
        "remainingTime": remaining_minutes(expires_at, now),
        "preferences": known["preferences"],
    }
