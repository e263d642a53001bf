"""What the endpoints of seed 004 answer, as examples (``api.examples``)."""

from __future__ import annotations

from typing import Any, Final

from api.answers import SAFETY, TIME
from api.examples import Each, Free, Maybe, Named, OneOf

_ID: Final = "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11"
_LINE: Final[dict[str, Any]] = {
    "name": "Galaxy A16",
    "price": 199.99,
    "category": "smartphones",
    "sku": "PHONE-A16",
    "quantity": 1,
    "added_at": TIME,
}
_PREFERENCES: Final = Each("budget_range", Free("100-300"))
_PURCHASE: Final = {
    "at": TIME,
    "items": [{"sku": "PHONE-A16", "name": "Galaxy A16", "price": 199.99, "quantity": 1}],
    "lines": 1,
    "units": 1,
    "total": 199.99,
}


def _data(**data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


ANSWER: Final = {
    **_data(
        answer="The Galaxy A16 at 199.99 is the best of them.",
        session_id=_ID,
        products=[Free({"sku": "PHONE-A16", "name": "Galaxy A16", "price": 199.99, "category": "smartphones"})],
        sources=[Free({"title": "Catalogue", "sku": "PHONE-A16"})],
        cached=False,
        conversation_count=1,
    ),
    **SAFETY,
}
INFO: Final = _data(
    session_info={
        "created_at": TIME,
        "last_active": TIME,
        "conversation_count": 1,
        "preferences": _PREFERENCES,
        "shopping_cart": [Named("CartLine", _LINE)],
        "purchases": [_PURCHASE],
    },
    analytics={
        "session_duration": "1h 15m",
        "user_message_count": 1,
        "assistant_message_count": 1,
        "top_topics": [{"word": "phones", "count": 1}],
        "cart": {"added": 1, "removed": 0, "purchased": 0},
        "cache": {"hits": 0, "misses": 1, "hit_rate": 0.0},
    },
)
CONVERSATION: Final = _data(
    session_id=_ID,
    conversation=[{"role": OneOf("user", "assistant"), "content": "Phones under 200?", "timestamp": TIME}],
    count=1,
)
PREFERENCES: Final = _data(preferences=_PREFERENCES)
CART: Final = _data(items=[Named("CartLine", _LINE)], count=1, total=199.99)
CHECKED_OUT: Final = _data(items=[Named("CartLine", _LINE)], count=0, total=0.0, purchase=Maybe(_PURCHASE))
