"""What the endpoints of seed 000 answer, as examples (``api.examples``)."""

from __future__ import annotations

from typing import Final

from api.answers import SAFETY, TIME
from api.examples import Each, OneOf

_USER_TYPES: Final = OneOf("phase1", "phase2", "phase3")
_INTENTS: Final = OneOf("selling", "buying", "finding_connections", "pricing", "information", "general")
_PREFERENCES: Final = Each("plastic", 2)

REPLY: Final = {
    "success": True,
    "message": "Plastic fetches about 18 a kilogram today.",
    "data": "Plastic fetches about 18 a kilogram today.",
    "sessionInfo": {"userId": "user123", "messageCount": 1, "remainingTime": 5},
    "locationFlag": OneOf("current", "home", None),
    **SAFETY,
    "fallback?": True,
}
SESSION: Final = {
    "success": True,
    "userId": "user123",
    "session": {
        "userType": _USER_TYPES,
        "location": OneOf("home", "current", None),
        "preferences": _PREFERENCES,
        "currentIntent": _INTENTS,
        "lastInteraction": TIME,
        "sessionStart": TIME,
        "messageCount": 1,
    },
    "sessionAge": 0,
    "remainingTime": 5,
    "isExpired": False,
}
CLEARED: Final = {"success": True, "message": "Session cleared"}
ANALYTICS: Final = {
    "success": True,
    "totalActiveSessions": 1,
    "totalConversationHistories": 1,
    "sessionDetails": [
        {
            "userId": "user123",
            "sessionAge": 0,
            "messageCount": 1,
            "userType": _USER_TYPES,
            "currentIntent": _INTENTS,
            "remainingTime": 5,
            "preferences": _PREFERENCES,
        }
    ],
    "summary": {
        "averageSessionLength": 0.3,
        "totalMessages": 1,
        "userTypes": Each("phase1", 1),
        "topIntents": Each("selling", 1),
    },
}
