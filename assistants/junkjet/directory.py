"""Who buys and sells where: an invented directory around real places (``data/directory.json``), by distance."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from haversine import haversine  # type: ignore[import-untyped]  # typed nowhere; one call, its result is made a float

from assistants.junkjet.materials import Material
from assistants.junkjet.phases import UserType
from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

_FILE: Final = Path(__file__).with_name("data") / "directory.json"
_COORDINATES = re.compile(r"\s*(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)\s*[,; ]\s*(-?[0-9]{1,3}(?:\.[0-9]{1,12})?)\s*")
_AREA_COMES_AFTER = any_of("in near at around from to of by live")

KIND_NAMES: Final[dict[UserType, str]] = {
    "phase1": "household group",
    "phase2": "middle buyer",
    "phase3": "large recycler",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map with a name. ``city`` is the city it lies in, where that is known."""

    name: str
    lat: float
    lon: float
    city: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Someone in the directory. ``minimum_kg`` is the smallest lot they take (0: any)."""

    name: str
    kind: UserType
    materials: frozenset[Material]
    place: Place
    phone: str
    hours: str
    minimum_kg: float


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and how far away it is, in kilometres."""

    entry: Entry
    km: float


@cache
def entries() -> tuple[Entry, ...]:
    """Everyone in the directory, in the order of the file."""
    return tuple(
        Entry(
            name=e["name"],
            kind=e["kind"],
            materials=frozenset(e["materials"]),
            place=Place(f"{e['area']}, {e['city']}", e["lat"], e["lon"], e["city"]),
            phone=e["phone"],
            hours=e["hours"],
            minimum_kg=e.get("minimumKg", 0),
        )
        for e in _data()["entries"]
    )


@cache
def cities() -> dict[str, Place]:
    """The cities that the directory covers, by name."""
    return {c["name"]: Place(c["name"], c["lat"], c["lon"], c["name"]) for c in _data()["cities"]}


def locate(text: str) -> Place | None:
    """The place that ``text`` (a tool's argument) names: a city, an area of one, or ``lat,lon``; None if unknown."""
    return _coordinates(text) or _best(_named(Words.of(text)))


def place_in(words: Words) -> Place | None:
    """The place that a message speaks of, if any. Areas count after "in", "near" and the like, or standing alone:
    some of their names are words of their own."""
    spoken = [
        (index, place)
        for index, place in _named(words)
        if place.name == place.city or len(words.spoken) <= 3 or _AREA_COMES_AFTER & set(words.before(index, 2))
    ]
    return _best(spoken)


def nearest(
    material: Material | None, at: Place, kinds: Collection[UserType], lot_kg: float | None = None
) -> list[Match]:
    """Everyone of ``kinds`` who deals in ``material`` (None: in anything), the nearest by great circle first.

    With ``lot_kg``, only those who take so small a lot.
    """
    found = [
        Match(entry, round(float(haversine((at.lat, at.lon), (entry.place.lat, entry.place.lon))), 1))
        for entry in entries()
        if entry.kind in kinds
        and (material is None or material in entry.materials)
        and (lot_kg is None or entry.minimum_kg <= lot_kg)
    ]
    return sorted(found, key=lambda match: (match.km, match.entry.name))


def _data() -> dict[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = json.loads(_FILE.read_text("utf-8"))
    return loaded


@cache
def _place_names() -> Phrases[Place]:
    names: list[tuple[Place | None, tuple[str, ...]]] = []
    for entry in entries():
        area = entry.place.name.removesuffix(f", {entry.place.city}")
        names.append((entry.place, (area.casefold(),)))
    for city in _data()["cities"]:
        spellings = (city["name"].casefold(), *city["aliases"])
        names.append((cities()[city["name"]], spellings))
    return vocabulary(names)


def _named(words: Words) -> list[tuple[int, Place]]:
    return [(found.start, found.value) for found in _place_names().find(words) if not found.negated]


def _best(named: list[tuple[int, Place]]) -> Place | None:
    """Of several places the last that was named, and of a city and an area in it the area."""
    if not named:
        return None
    last = named[-1][1]
    areas = [place for _, place in named if place.city == last.city and place.name != place.city]
    return areas[-1] if areas else last


def _coordinates(text: str) -> Place | None:
    match = _COORDINATES.fullmatch(text[:100])
    if not match:
        return None
    lat, lon = float(match[1]), float(match[2])
    if abs(lat) > 90 or abs(lon) > 180:
        return None
    return Place(f"{lat:.4f}, {lon:.4f}", lat, lon)
