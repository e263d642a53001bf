"""What the endpoints of seed 001 answer, as examples (``api.examples``)."""

from __future__ import annotations

from typing import Final

from api.answers import SAFETY, TIME
from api.examples import OneOf

_ID: Final = "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11"

CREATED: Final = {"success": True, "sessionId": _ID, "message": "Session created successfully"}
HISTORY: Final = {
    "success": True,
    "messages": [{"type": OneOf("user", "assistant"), "content": "What is new in solar power?", "timestamp": TIME}],
    "sessionId": _ID,
    "createdAt": TIME,
    "lastActivity": TIME,
}
CLEARED: Final = {"success": True, "message": "Session cleared successfully"}
VALID: Final = {"success": True, "valid": True, "sessionId": _ID}
REPLY: Final = {
    "success": True,
    "reply": "Perovskite cells reached 33 % in a factory line this year.",
    "sessionID": _ID,
    "sources": [
        {
            "title": "A record for perovskite cells",
            "url": "https://example.org/solar/perovskite",
            "published": "2026-10-02",
            "snippet": "The cells reached 33 % in a factory line.",
        }
    ],
    **SAFETY,
}
