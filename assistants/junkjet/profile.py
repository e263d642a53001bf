"""What a session knows of its user: a small document of attributes, into which each message is folded. Pure.

Its keys are fixed, its texts are short and its counts stop at ``MAX_COUNT``, so it stays below ``MAX_BYTES`` whatever
is said:

    userType         phase1, phase2 or phase3; phase1 (a household) until something else is said
    location         current or home, the last one that was spoken of; null before
    preferences      {material: how many messages spoke of it}
    currentIntent    the last intent other than ``general``; ``general`` before there is one
    sentiment        of the last message
    lastInteraction  when that was, ISO-8601
    name, city       what the user is called, and the place of the directory that was named
    material         the material spoken of last, and
    amountKg         how much there is of it
    seeking          buyers or sellers, where people are looked for
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from assistants.junkjet.details import Details, read_details
from assistants.junkjet.phases import UserType
from assistants.junkjet.understanding import Understanding, read_message
from memory.clock import iso
from memory.session import Turn

DEFAULT_USER_TYPE: Final[UserType] = "phase1"
MAX_COUNT: Final = 999_999
MAX_BYTES: Final = 1_024

_OUTLIVING = ("userType", "name", "city", "material", "amountKg")
"""What is taken over from the conversation of a session that has ended, as long as its history is remembered."""


def new_profile() -> dict[str, Any]:
    """The attributes of a session in which nothing has been said yet."""
    return {
        "userType": DEFAULT_USER_TYPE,
        "location": None,
        "preferences": {},
        "currentIntent": "general",
        "sentiment": "neutral",
    }


def fold(profile: dict[str, Any], said: Understanding, details: Details, now: int) -> None:
    """Fold one message, sent at ``now`` (ms), into ``profile``, in place. An empty document is begun anew."""
    for key, value in new_profile().items():
        profile.setdefault(key, value)
    answers_amount = _waits_for_amount(profile)
    if said.user_type:
        profile["userType"] = said.user_type
    if said.location:
        profile["location"] = said.location
    if said.intent != "general":
        profile["currentIntent"] = said.intent
    if said.seeking:
        profile["seeking"] = said.seeking
    profile["sentiment"] = said.sentiment
    profile["lastInteraction"] = iso(now)
    counts = profile["preferences"]
    for material in said.materials:
        counts[material] = min(counts.get(material, 0) + 1, MAX_COUNT)
    if said.materials and said.materials[0] != profile.get("material"):
        profile["material"] = said.materials[0]
        profile.pop("amountKg", None)
    if details.unknown_thing:  # what was said of the last material does not hold for this one
        profile.pop("material", None)
        profile.pop("amountKg", None)
    amount = details.amount_kg or (details.bare_number if answers_amount else None)
    if amount:
        profile["amountKg"] = amount
    if details.name:
        profile["name"] = details.name
    if details.place:
        profile["city"] = details.place.name


def recalled(turns: Iterable[Turn]) -> dict[str, str | float]:
    """What a new session takes over from the ``turns`` of an earlier one: who the user is, where, and what it was
    about. Counts, intent and mood are of one session only and start again."""
    earlier: dict[str, Any] = {}
    for turn in turns:
        fold(earlier, read_message(turn.message), read_details(turn.message), turn.began)
    return {key: earlier[key] for key in _OUTLIVING if key in earlier}


def public(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``profile`` that clients are shown, complete even for an empty document."""
    shown = new_profile() | dict(profile)
    return {key: shown[key] for key in ("userType", "location", "preferences", "currentIntent")}


def _waits_for_amount(profile: Mapping[str, Any]) -> bool:
    """Whether a bare number can only be an amount: something is being sold or priced, and its amount is open."""
    return (
        profile.get("currentIntent") in ("selling", "pricing") and "material" in profile and "amountKg" not in profile
    )
