"""What a message says, without a model: intent, materials, user phase, location and mood. Pure, quick on any text."""

from __future__ import annotations

from dataclasses import dataclass

from assistants.junkjet.intents import Intent, Side, wish_of
from assistants.junkjet.materials import Material, materials_in
from assistants.junkjet.mood import Sentiment, sentiment_of
from assistants.junkjet.phases import UserType, user_type_of
from assistants.junkjet.whereabouts import Location, location_of
from assistants.junkjet.words import Words


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one message says. ``seeking`` names the side sought where the intent is ``finding_connections``."""

    intent: Intent = "general"
    materials: tuple[Material, ...] = ()
    user_type: UserType | None = None
    location: Location | None = None
    sentiment: Sentiment = "neutral"
    seeking: Side | None = None


def read_message(text: str) -> Understanding:
    """Read ``text`` (any Unicode; what is beyond ``MAX_CHARS`` is not looked at)."""
    words = Words.of(text)
    wish = wish_of(words)
    return Understanding(
        intent=wish.intent,
        materials=materials_in(words),
        user_type=user_type_of(words),
        location=location_of(words),
        sentiment=sentiment_of(words, text),
        seeking=wish.side,
    )
