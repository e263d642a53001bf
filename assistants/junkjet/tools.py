"""What the model may look up: prices, people around a place, and how JunkJet works. Text in, text out; errors are text
that says what to ask instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from agent.assistant import TurnContext
from assistants.junkjet import guide
from assistants.junkjet.directory import KIND_NAMES, Match, Place, cities, locate, nearest
from assistants.junkjet.materials import MATERIALS, Material, material_named
from assistants.junkjet.phases import UserType
from assistants.junkjet.prices import kilograms, price_lines, price_range, rupees
from assistants.junkjet.profile import DEFAULT_USER_TYPE
from assistants.junkjet.understanding import read_message

MOST_RESULTS: Final = 10
FAR_KM: Final = 50
_LONGEST_ECHO: Final = 40
_ANY: Final = frozenset({"", "any", "all", "everything", "anything", "scrap", "overview"})

_BUYERS: Final[Mapping[str, tuple[UserType, ...]]] = {
    "phase1": ("phase2", "phase3"),
    "phase2": ("phase3",),
    "phase3": ("phase3",),
}
_SELLERS: Final[Mapping[str, tuple[UserType, ...]]] = {
    "phase1": ("phase1", "phase2"),
    "phase2": ("phase1", "phase2"),
    "phase3": ("phase2",),
}
_USUAL_LOT_KG: Final[Mapping[str, float]] = {"phase1": 50, "phase2": 5_000, "phase3": 50_000}
"""What someone of that phase has to sell, as long as they have not said how much."""


@tool
def material_prices(material: str, amount_kg: float | None = None) -> str:
    """Guide prices of a scrap material in INR per kg, by grade; with amount_kg also what that amount would bring.

    Args:
        material: for example copper, newspapers or old laptops; "all" for one line on every material.
        amount_kg: how many kilograms there are, if the user said so.
    """
    return prices_text(material, amount_kg)


@tool
def find_buyers(material: str, place: str, runtime: ToolRuntime[TurnContext], limit: int = 3) -> str:
    """The buyers nearest to a place for what this user wants to sell, with distance, phone, hours and smallest lot.

    Args:
        material: for example plastic bottles; "any" for buyers of anything.
        place: a city or an area of one, or "latitude,longitude". Not "near me": ask for the city.
        limit: how many, 1 to 10.
    """
    profile = runtime.context.attributes
    return people_text("buyers", material, place, limit, profile)


@tool
def find_sellers(material: str, place: str, runtime: ToolRuntime[TurnContext], limit: int = 3) -> str:
    """The sellers nearest to a place of a material that this user wants to buy, with distance, phone and hours.

    Args:
        material: for example copper wire; "any" for sellers of anything.
        place: a city or an area of one, or "latitude,longitude". Not "near me": ask for the city.
        limit: how many, 1 to 10.
    """
    profile = runtime.context.attributes
    return people_text("sellers", material, place, limit, profile)


@tool
def how_junkjet_works(topic: str) -> str:
    """How JunkJet works, or how to prepare a material.

    Args:
        topic: overview, selling, buying, phases, prices, pickup, payment, materials, location, preparing, session,
            or a material.
    """
    return guide.explain(topic)


TOOLS: Final = (material_prices, find_buyers, find_sellers, how_junkjet_works)


def prices_text(material: str, amount_kg: float | None = None) -> str:
    """See ``material_prices``."""
    if material.strip().casefold() in _ANY:
        lines = (f"- {name}: {rupees(*price_range(name))} per kg" for name in MATERIALS)
        return "Guide prices over all grades, INR:\n" + "\n".join(lines)
    known = material_named(material)
    if known is None:
        return _unknown_material(material)
    amount = amount_kg if amount_kg and 0 < amount_kg <= 1_000_000 else None
    return f"Guide prices for **{known}**, INR:\n{price_lines(known, amount)}"


def people_text(side: str, material: str, place: str, limit: int, profile: Mapping[str, Any]) -> str:
    """See ``find_buyers`` and ``find_sellers``; ``side`` is one of "buyers" and "sellers"."""
    wanted = None if material.strip().casefold() in _ANY else material_named(material)
    if wanted is None and material.strip().casefold() not in _ANY:
        return _unknown_material(material)
    at = locate(place)
    if at is None:
        return _unknown_place(place)
    user_type = str(profile.get("userType", DEFAULT_USER_TYPE))
    if side == "buyers":
        found = _buyers(wanted, at, user_type, profile.get("amountKg"))
    else:
        found = nearest(wanted, at, _SELLERS.get(user_type, _SELLERS[DEFAULT_USER_TYPE]))
    near = [match for match in found if match.km <= FAR_KM]
    return _listing(side, wanted, at.name, (near or found)[: max(1, min(limit, MOST_RESULTS))])


def _buyers(material: Material | None, at: Place, user_type: str, amount_kg: float | None) -> list[Match]:
    kinds = _BUYERS.get(user_type, _BUYERS[DEFAULT_USER_TYPE])
    lot = amount_kg or _USUAL_LOT_KG.get(user_type, _USUAL_LOT_KG[DEFAULT_USER_TYPE])
    # Where nobody takes so little, it is better to see who takes more than to see nobody.
    return nearest(material, at, kinds, lot) or nearest(material, at, kinds)


def _listing(side: str, material: Material | None, place: str, found: list[Match]) -> str:
    what = f"{side} of **{material}**" if material else side
    if not found:
        return f"The directory has no {what}."
    far = f" Nobody is listed within {FAR_KM} km, these are the next." if found[0].km > FAR_KM else ""
    lines = (_line(number, match, lots=side == "buyers") for number, match in enumerate(found, 1))
    return f"{what.capitalize()} nearest to {place}:{far}\n" + "\n".join(lines)


def _line(number: int, match: Match, lots: bool) -> str:
    """One person or company; with ``lots``, the smallest amount that they take."""
    entry = match.entry
    smallest = f", from {kilograms(entry.minimum_kg)}" if lots and entry.minimum_kg else ""
    return (
        f"{number}. **{entry.name}** ({KIND_NAMES[entry.kind]}, {entry.place.name}, {match.km:g} km{smallest}): "
        f"{entry.phone}, {entry.hours}"
    )


def _unknown_material(text: str) -> str:
    return f"I have nothing on {_echo(text)}. Known materials: {', '.join(MATERIALS)}."


def _unknown_place(text: str) -> str:
    covered = ", ".join(cities())
    if read_message(text).location:
        return f"Which city is that? I cannot see positions; the app can. Cities in the directory: {covered}."
    return f"I have nobody listed in {_echo(text)} yet. Cities in the directory: {covered}."


def _echo(text: str) -> str:
    """What was asked for, short and on one line."""
    plain = "".join(char if char.isalnum() else " " for char in text[: 2 * _LONGEST_ECHO])
    return f'"{" ".join(plain.split())[:_LONGEST_ECHO].strip()}"'
