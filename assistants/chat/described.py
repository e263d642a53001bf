"""What the endpoints of seed 002 answer, as examples (``api.examples``)."""

from __future__ import annotations

from typing import Final

from api.answers import SAFETY, TIME
from api.examples import Maybe, OneOf

_ID: Final = "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11"

GENERATED: Final = {
    "response": "Hello! How can I help?",
    "session_id": _ID,
    "chat_name": "Hello, who are you?",
    "message_count": 2,
    **SAFETY,
}
HISTORY: Final = {
    "session_id": _ID,
    "history": [{"sender": OneOf("Human", "AI"), "content": "Hello, who are you?", "timestamp": TIME}],
}
CLEARED: Final = {"success": True, "message": "The history was cleared", "deleted": 2}
ROW: Final = {
    "session_id": _ID,
    "chat_name": "Hello, who are you?",
    "created_at": TIME,
    "last_activity": TIME,
    "message_count": 2,
    "tags": ["travel"],
    "name_marks": [[0, 5]],
    "snippet": Maybe({"text": "Hello, who are you?", "marks": [[0, 5]]}),
}
EXPORT: Final = {
    "format": "parley-chat",
    "version": 1,
    "session_id": _ID,
    "chat_name": "Hello, who are you?",
    "created_at": TIME,
    "last_activity": TIME,
    "message_count": 2,
    "tags": ["travel"],
    "turns": [
        {
            "id": "Yk3vH2mQw0U",
            "session_started": TIME,
            "began": TIME,
            "took_ms": 412,
            "messages": [
                {"role": "human", "content": "Hello, who are you?"},
                {"role": "ai", "content": "Hello! How can I help?"},
            ],
        }
    ],
}
NAMES: Final = {"sessions": [ROW], "total": 1}
CHANGED: Final = {"success": True, "session": ROW}
LIVE: Final = {"active_sessions": 1, "sessions": [_ID]}
DELETED: Final = {"success": True, "message": "The session was deleted"}
STATS: Final = {
    "total_sessions": 12,
    "total_messages": 340,
    "recent_sessions": 3,
    "activity": [{"hour": TIME, "sessions": 1, "messages": 4}],
    "days": [{"day": TIME, "sessions": 1, "messages": 4}],
}
CLEANED: Final = {"deleted_sessions": 4, "days_old": 30}
OLD: Final = {"sessions": 4, "days_old": 30}
IMPORTED: Final = {"success": True, "session_id": _ID, "chat_name": "Hello, who are you?", "message_count": 2}
TAGS: Final = {"tags": [{"tag": "travel", "sessions": 3}]}
TEMPLATES: Final = {
    "templates": [
        {
            "id": "plan-a-trip",
            "title": "Plan a trip",
            "description": "Days, sights and a budget",
            "category": "Travel",
            "tags": ["travel"],
            "prompt": "Plan three days in [city].",
        }
    ]
}
HEALTH: Final = {"status": "healthy", "database": OneOf("ok", "unavailable"), "store": "closed"}
