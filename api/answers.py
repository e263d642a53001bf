"""What the native endpoints answer, as examples (``api.examples``): ``shapes.py`` and ``system.py`` make these."""

from __future__ import annotations

from typing import Any, Final

from api.examples import Each, Free, Maybe, Named, OneOf
from api.openapi import Content

TIME: Final = "2026-11-20T10:30:00.000Z"
_USER: Final = "user123"
_SESSION_ID: Final = "session:user123:1795170600000"
_ASKED: Final = "Weather in London?"
_SAID: Final = "London, United Kingdom: 9 °C and cloudy, with little wind."

_SESSION: Final[dict[str, Any]] = {
    "sessionId": _SESSION_ID,
    "status": OneOf("active", "ended"),
    "startTime": TIME,
    "lastActivity": TIME,
    "expiresAt": "2026-11-20T10:45:00.000Z",
    "remainingSeconds": 899,
    "conversationCount": 1,
    "remainingConversations": Maybe(19),
    "endReason": Maybe("conversation_limit"),
}
SESSION: Final = Named("Session", _SESSION)
_LEFT: Final = "The user is called Ada. Asked for the weather in London; Rome."
LIVE: Final = Named("LiveSession", {**_SESSION, "duration": 1_250, "carriedOver?": _LEFT, "summary?": _LEFT})
ENDED: Final = Named(
    "EndedSession",
    {
        "sessionId": _SESSION_ID,
        "startTime": TIME,
        "endTime": "2026-11-20T10:45:00.000Z",
        "duration": 900_000,
        "conversationCount": 3,
        "endReason": "inactivity",
        "carryOver?": _LEFT,
    },
)
ENTRY: Final = Named(
    "HistoryEntry",
    {
        "timestamp": TIME,
        "message": _ASKED,
        "response": _SAID,
        "sessionId": _SESSION_ID,
        "interrupted?": True,
        "data?": Free({}),
    },
)
SAFETY: Final[dict[str, Any]] = {
    "degraded": False,
    "history": OneOf("complete", "partial"),
    "durability": OneOf("redis", "disk", "memory"),
    "replayed": False,
    "interrupted?": True,
}
REPLY: Final = Named(
    "Reply",
    {
        "success": True,
        "response": _SAID,
        "userId": _USER,
        "assistant": "weather",
        "sessionId": _SESSION_ID,
        "timestamp": TIME,
        "session": SESSION,
        **SAFETY,
        "data?": Free({}),
    },
)
STREAM: Final = Content(
    "text/event-stream",
    'event: session\ndata: {"sessionId":"session:user123:1795170600000", …}\n\n'
    'event: tool\ndata: {"name":"current_weather","status":"started"}\n\n'
    'event: token\ndata: {"text":"London"}\n\n'
    'event: done\ndata: {"success":true,"response":"London, …", …}\n\n',
)
"""Events ``session``, ``token``, ``tool``, and at the end ``done`` or ``error``; comments keep the connection awake."""

STOPPED: Final = {"success": True, "stopped": True}
SESSIONS: Final = {
    "success": True,
    "userId": _USER,
    "activeSessions": 1,
    "sessions": [LIVE],
    "endedSessions": [ENDED],
}
HISTORY: Final = {"success": True, "userId": _USER, "sessionId": _SESSION_ID, "history": [ENTRY], "count": 1}
FORGOTTEN: Final = {"success": True, "message": "Forgotten", "deleted": True}
OLDER_HISTORY: Final = {"history": [ENTRY], "userId": _USER}
ENDING: Final = {"success": True, "message": "The session was ended", "reason": "manual", "endedSessions": 1}

POLICY: Final = Named(
    "Policy",
    {
        "duration": Maybe(1_800.0),
        "inactivity": Maybe(900.0),
        "maxTurns": Maybe(20),
        "keepTurns": 20,
        "historyTtl": Maybe(600.0),
        "extension": Maybe({"afterTurns": 5, "seconds": 120.0}),
        "archive": False,
        "durability": OneOf("disk", "memory"),
        "carryOver": False,
        "summarise": False,
    },
)
_CONFIG: Final = Each("SESSION_DURATION", 1_800)
_BYTES: Final = Each("maxBytesPerSession", 262_144)
_REDIS: Final = {
    "connected": True,
    "activeSessions?": 3,
    "activeConversations?": 11,
    "sessionHistories?": 5,
    "memoryUsage?": "1.4 MB",
    "usedMemoryBytes?": 1_468_006,
    "maxMemoryBytes?": 268_435_456,
    "bytesPerSession?": 4_312,
}
_MEMORY: Final[dict[str, Any]] = {
    "sessionConfig": _CONFIG,
    "redis?": _REDIS,
    "inMemory?": {"activeSessions": 3, "activeConversations": 11, "bytes": 14_680, "maxBytes": 268_435_456},
    "bound": _BYTES,
    "cleanup": {
        "lastRun": Maybe(TIME),
        "nextRun": Maybe(TIME),
        "intervalMs": 300_000,
        "runs": 12,
        "ended": Each("inactivity", 4),
    },
}
HEALTH: Final = {"success": True, "status": OneOf("ok"), "timestamp": TIME}
READY: Final = {"success": True, "ready": True, "degraded": False}
MEMORY: Final = {"success": True, "timestamp": TIME, **_MEMORY}
CLEANED: Final = {"success": True, "ended": Each("inactivity", 4), "durationMs": 3}
SERIES: Final = {
    "success": True,
    "minutes": 60,
    "series": [
        {
            "minute": TIME,
            "turns": 7,
            "sessionsStarted": 2,
            "sessionsEnded": Each("inactivity", 1),
            "errors": 0,
            "p50": Maybe(420),
            "p95": Maybe(1_100),
        }
    ],
}
EVENTS: Final = Content(
    "text/event-stream",
    'event: turn_completed\ndata: {"type":"turn_completed","assistant":"weather","sessionId":"session:user123:'
    '1795170600000","at":"2026-11-20T10:30:00.000Z","turns":1,"ms":412}\n\n',
)
STATUS: Final = {
    "success": True,
    "status": OneOf("operational", "degraded"),
    "timestamp": TIME,
    "version": "0.1.0",
    "system?": {"pythonVersion": "3.11.9", "uptime": 3_600, "memoryUsage": "182.4 MB"},
    "features?": Each("redis", True),
    "sessionConfig?": _CONFIG,
    "memoryStats?": {**{name if name.endswith("?") else f"{name}?": shape for name, shape in _MEMORY.items()},
                     "error?": "The redis store did not answer"},
    "model?": {"provider": "offline", "name": "offline", "fallback": Maybe("openai:gpt-4o-mini")},
    "assistants?": ["weather"],
    "policies?": Each("weather", POLICY),
    "store?": Free({"backend": "redis", "state": "closed", "since": TIME}),
    "turns?": {"running": 0, "limit": 64},
}  # fmt: skip
ASSISTANTS: Final = {
    "success": True,
    "version": "0.1.0",
    "defaultAssistant": "weather",
    "maxMessageChars": 8_000,
    "model": {"provider": "offline", "name": "offline", "offline": True},
    "caller": {"authentication": False, "user": Maybe(_USER), "admin": True},
    "assistants": [
        {
            "name": "weather",
            "summary": "Weather anywhere, now and in the days to come.",
            "subject": OneOf("user", "session"),
            "policy": POLICY,
        }
    ],
}
ALL_SESSIONS: Final = {
    "success": True,
    "sessions": [Named("ListedSession", {"assistant": "weather", "subject": _USER, **_SESSION, "duration": 1_250})],
    "count": 1,
    "total": 1,
}
INSIGHTS: Final = {
    "success": True,
    "assistants": Each("weather", {"activeSessions": 3, "activeConversations": 11}),
    "insights": Each("junkjet", Free({})),
}
