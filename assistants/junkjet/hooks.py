"""Around the model: each message is read into the session before it, and long conversations get a hint after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.assistant import TurnContext
from assistants.junkjet.details import Details, read_details
from assistants.junkjet.prices import kilograms
from assistants.junkjet.profile import fold, recalled
from assistants.junkjet.understanding import Understanding, read_message
from assistants.junkjet.whereabouts import Location

LONG_CONVERSATION: Final = 9
"""From this message of a session on, the reply offers help with something new."""

_ABOUT_PEOPLE: Final = frozenset({"finding_connections", "selling", "buying"})
_PHASES: Final = {
    "phase1": "phase 1 (a household)",
    "phase2": "phase 2 (a middle buyer or organisation)",
    "phase3": "phase 3 (a large recycler)",
}
_SEARCHES: Final[dict[Location, str]] = {"current": "their current position", "home": "their saved home address"}
_NEW: Final = "something new"
_HINTS: Final = (
    f"Whenever you need {_NEW}, another material or a price, just name it.",
    f"Shall we look at {_NEW}: another material, another price, another place?",
    f"I am glad to help with {_NEW} as well.",
)


def before(context: TurnContext) -> str:
    """Reads the message into the session's attributes, routes the client, and returns what the model should know."""
    said, details = read_message(context.message), read_details(context.message)
    # Only the first message of a session looks back; after it the session has attributes of its own.
    earlier = {} if "userType" in context.attributes else recalled(context.history)

    def change(profile: dict[str, Any]) -> None:
        for key, value in earlier.items():
            profile.setdefault(key, value)
        fold(profile, said, details, context.now)

    profile = context.update(change)
    flag = location_flag(said, details, profile)
    if flag:
        context.attach("locationFlag", flag)
    return _what_is_known(context, profile, flag)


def after(context: TurnContext, reply: str) -> str:
    """From the ninth message of a session on, every reply offers help with something new; one that does so by itself
    is left alone."""
    number = context.turns + 1
    if number < LONG_CONVERSATION or _NEW in reply:
        return reply
    return f"{reply}\n\n{_HINTS[number % len(_HINTS)]}"


def location_flag(said: Understanding, details: Details, profile: Mapping[str, Any]) -> Location | None:
    """Where the client should search: around ``current`` or ``home``, or None where no search is asked for.

    It is asked for by "buyers near me", by "near me" in answer to a question about a sale, and by "find buyers" from
    someone who said earlier where they are; not by "find buyers in Pune".
    """
    elsewhere = details.place or details.unknown_place
    if said.intent == "finding_connections":
        return said.location or (None if elsewhere else profile.get("location"))
    if said.intent in _ABOUT_PEOPLE or (said.intent == "general" and profile.get("currentIntent") in _ABOUT_PEOPLE):
        return said.location
    return None


def _what_is_known(context: TurnContext, profile: Mapping[str, Any], flag: Location | None) -> str:
    """The user, as far as the session knows, in a few lines for the model."""
    facts = [f"- They are {_PHASES.get(profile['userType'], profile['userType'])}."]
    if "name" in profile:
        facts.append(f"- They are called {profile['name']}.")
    if profile["preferences"]:
        counts = sorted(profile["preferences"].items(), key=lambda item: -item[1])
        facts.append("- Materials spoken of: " + ", ".join(f"{name} ({count}x)" for name, count in counts) + ".")
    if "material" in profile:
        amount = f", about {kilograms(profile['amountKg'])}" if "amountKg" in profile else ""
        facts.append(f"- Last material: {profile['material']}{amount}.")
    if "city" in profile:
        facts.append(f"- Place: {profile['city']}.")
    facts.append(f"- Intent: {profile['currentIntent']}. Mood of this message: {profile['sentiment']}.")
    if flag:
        facts.append(f"- The app now opens a search around {_SEARCHES[flag]}; tell them.")
    if context.turns == 0 and context.history:
        facts.append("- They are back after a break; the earlier messages are from before it.")
    return f"About the user (message {context.turns + 1} of this session):\n" + "\n".join(facts)
