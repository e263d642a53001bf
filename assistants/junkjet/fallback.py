"""The reply when the model fails: what the session knows already, by intent, without a model or a promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.assistant import TurnContext
from assistants.junkjet import guide
from assistants.junkjet.hooks import after
from assistants.junkjet.tools import people_text, prices_text


def fallback(context: TurnContext) -> str:
    """A reply for the intent at hand, marked with ``fallback`` so that the client can tell."""
    context.attach("fallback", True)
    profile = context.attributes
    name = f", {profile['name']}" if "name" in profile else ""
    opening = f"I cannot write you a full answer at the moment{name}, but this much I know."
    reply = f"{opening}\n\n{_by_intent(context.message, profile)}\n\nPlease ask me again in a minute for more."
    return after(context, reply)


def _by_intent(message: str, profile: Mapping[str, Any]) -> str:
    material, city = profile.get("material"), profile.get("city")
    match profile.get("currentIntent"):
        case "selling" if material:
            return _join(prices_text(material, profile.get("amountKg")), _people("buyers", material, city, profile))
        case "buying" if material:
            return _people("sellers", material, city, profile)
        case "pricing":
            return prices_text(material or "all", profile.get("amountKg"))
        case "finding_connections":
            return _people(profile.get("seeking", "buyers"), material or "any", city, profile)
        case "information":
            return guide.explain(guide.topic_of(message))
        case "selling":
            return guide.explain("selling")
        case "buying":
            return guide.explain("buying")
        case _:
            return guide.explain("overview")


def _people(side: str, material: str, city: str | None, profile: Mapping[str, Any]) -> str:
    if city:
        return people_text(side, material, city, 3, profile)
    of = "" if material == "any" else f" of {material}"
    return f"To list {side}{of}, I need a city: name one, or use the app's search around your position."


def _join(*parts: str) -> str:
    return "\n\n".join(parts)
