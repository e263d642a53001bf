"""Places: how names are compared, what a region behind a comma means, and which namesake is meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_NAME: Final = 80
"""Longer than any place's name that a person would type, in characters."""

SAME_SIZE: Final = 0.05
"""A namesake with this share of the people is worth telling apart by its region."""

US_STATES: Final = {
    "al": "Alabama",
    "ak": "Alaska",
    "az": "Arizona",
    "ar": "Arkansas",
    "ca": "California",
    "co": "Colorado",
    "ct": "Connecticut",
    "dc": "District of Columbia",
    "de": "Delaware",
    "fl": "Florida",
    "ga": "Georgia",
    "hi": "Hawaii",
    "ia": "Iowa",
    "id": "Idaho",
    "il": "Illinois",
    "in": "Indiana",
    "ks": "Kansas",
    "ky": "Kentucky",
    "la": "Louisiana",
    "ma": "Massachusetts",
    "md": "Maryland",
    "me": "Maine",
    "mi": "Michigan",
    "mn": "Minnesota",
    "mo": "Missouri",
    "ms": "Mississippi",
    "mt": "Montana",
    "nc": "North Carolina",
    "nd": "North Dakota",
    "ne": "Nebraska",
    "nh": "New Hampshire",
    "nj": "New Jersey",
    "nm": "New Mexico",
    "nv": "Nevada",
    "ny": "New York",
    "oh": "Ohio",
    "ok": "Oklahoma",
    "or": "Oregon",
    "pa": "Pennsylvania",
    "ri": "Rhode Island",
    "sc": "South Carolina",
    "sd": "South Dakota",
    "tn": "Tennessee",
    "tx": "Texas",
    "ut": "Utah",
    "va": "Virginia",
    "vt": "Vermont",
    "wa": "Washington",
    "wi": "Wisconsin",
    "wv": "West Virginia",
    "wy": "Wyoming",
}

OTHER_WORDS: Final = {
    "america": "united states",
    "britain": "united kingdom",
    "czech republic": "czechia",
    "emirates": "united arab emirates",
    "great britain": "united kingdom",
    "holland": "netherlands",
    "korea": "south korea",
    "nsw": "new south wales",
    "qld": "queensland",
    "the netherlands": "netherlands",
    "turkey": "turkiye",
    "uae": "united arab emirates",
    "uk": "united kingdom",
    "us": "united states",
    "usa": "united states",
}
"""What people call a country or region, and what Open-Meteo calls it (both folded)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the map. ``kind`` is its GeoNames feature code: ``PPL…`` towns, ``PCL…`` countries, ``ADM1`` regions.

    ``region`` is the first administrative level (state, province); ``timezone`` an IANA name, or empty.
    """

    name: str
    country: str
    latitude: float
    longitude: float
    country_code: str = ""
    region: str = ""
    timezone: str = ""
    population: int = 0
    kind: str = "PPL"

    @property
    def is_area(self) -> bool:
        """A whole country or a state: too wide to have one weather."""
        return self.kind.startswith("PCL") or self.kind == "ADM1"

    def label(self, *, with_region: bool = False) -> str:
        """``Paris, France``, or ``Paris, Texas, United States``. A name is not said twice (``Singapore``)."""
        parts = [self.name]
        if with_region and fold(self.region) != fold(self.name):
            parts.append(self.region)
        if fold(self.country) != fold(self.name):
            parts.append(self.country)
        return ", ".join(part for part in parts if part)


def fold(text: str) -> str:
    """``text`` for comparing: lower case, no accents, plain apostrophes, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return " ".join("".join(char for char in plain if unicodedata.category(char) != "Mn").split())


def tidy(city: str) -> str:
    """A name as it may be sent out and said back: printable, no markup, at most ``MAX_NAME`` characters."""
    head = city[: MAX_NAME * 4]
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" or char in "-'’.,&" else " " for char in head)
    return " ".join(kept.split())[:MAX_NAME].strip(" ,-&")


def titled(city: str) -> str:
    """A name typed in small letters, as it is written: ``new york`` is ``New York``."""
    return city if city != city.lower() else city.title()


def split(city: str) -> tuple[str, str]:
    """``Paris, Texas`` is the name ``Paris`` and the region ``Texas``; without a comma there is no region."""
    name, _, region = city.partition(",")
    return name.strip(), region.strip()


def readings(city: str) -> list[tuple[str, str]]:
    """What ``city`` may mean, as (name, region): ``White Plains NY`` as a whole, then as a place in NY.

    A comma settles it. At most three readings, so that they can all be looked up.
    """
    name, region = split(city)
    if region:
        return [(name, region)]
    words = name.split()
    return [(name, ""), *((" ".join(words[:-n]), " ".join(words[-n:])) for n in (1, 2) if n < len(words))]


def lies_in(place: Place, region: str) -> bool:
    """Whether ``region``, as a person writes it, is the place's country or region: ``TX``, ``Texas, USA``, ``UK``."""
    return all(_is_region(place, fold(part).replace(".", "")) for part in region.split(",") if part.strip())


def _is_region(place: Place, part: str) -> bool:
    names = {fold(place.country), fold(place.country_code), fold(place.region)} - {""}
    if place.country_code == "US" and fold(US_STATES.get(part, "")) in names:
        return True
    return part in names or OTHER_WORDS.get(part, part) in {OTHER_WORDS.get(name, name) for name in names}


def best(places: Sequence[Place], name: str, region: str = "") -> Place | None:
    """The place that is meant by ``name``: the one with the most people, in ``region`` where one is given.

    ``places`` come in the order of a search that also finds other spellings (``Roma``) and longer names (``Bathinda``
    for ``Bath``): so namesakes count, and the first of the list, whatever it is called.
    """
    inside = [place for place in places if lies_in(place, region)]
    if not inside:
        return None
    namesakes = [place for place in inside if fold(place.name) == fold(name)]
    pool = [inside[0], *namesakes] if namesakes else inside
    return max(pool, key=_weight)


def _weight(place: Place) -> tuple[bool, int]:
    # A town before the country or state of the same name (Singapore, New York), unless it is a hamlet called Germany.
    is_town = not place.is_area and (place.population >= 100_000 or place.kind == "PPLC")
    return (is_town, place.population)


def needs_region(place: Place, places: Sequence[Place], region: str = "") -> bool:
    """Whether the country alone doesn't say which one: the region was asked for, or a namesake is about as large."""
    if region and not _is_country(place, region):
        return True
    return any(
        other != place
        and fold(other.name) == fold(place.name)
        and other.country == place.country
        and other.region != place.region
        and not other.is_area
        and other.population > place.population * SAME_SIZE
        for other in places
    )


def _is_country(place: Place, region: str) -> bool:
    part = OTHER_WORDS.get(fold(region), fold(region))
    return part in {fold(place.country), fold(place.country_code)}
