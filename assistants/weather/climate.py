"""Typical weather of well-known cities, month by month, for when the live weather can't be reached.

The values of ``data/climate.json`` follow the climate normals of recent decades, in whole °C and days of a month.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from assistants.weather.places import MAX_NAME, Place, fold, lies_in, readings

DATA: Final = Path(__file__).with_name("data") / "climate.json"

Months = Annotated[tuple[int, ...], Field(min_length=12, max_length=12)]


@dataclass(frozen=True, slots=True)
class Month:
    """A typical month: mean daily high and low in °C, and on how many of its ``days`` it rains or snows (1 mm)."""

    name: str
    high: int
    low: int
    rain_days: int
    days: int


class Climate(BaseModel):
    """A city of the table, with its twelve months from January on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    region: str
    country: str
    country_code: str
    timezone: str
    latitude: float
    longitude: float
    aliases: tuple[str, ...]
    high: Months
    low: Months
    rain_days: Months

    @property
    def place(self) -> Place:
        return Place(
            name=self.name,
            country=self.country,
            latitude=self.latitude,
            longitude=self.longitude,
            country_code=self.country_code,
            region=self.region,
            timezone=self.timezone,
        )

    def month(self, number: int) -> Month:
        """The typical month ``number`` (1 is January)."""
        index = number - 1
        days = calendar.monthrange(2001, number)[1]  # of a year that is no leap year
        return Month(calendar.month_name[number], self.high[index], self.low[index], self.rain_days[index], days)


@cache
def cities() -> tuple[Climate, ...]:
    """Every city of the table, by name."""
    return TypeAdapter(tuple[Climate, ...]).validate_json(DATA.read_bytes())


@cache
def _by_name() -> dict[str, Climate]:
    aliases = {fold(alias): city for city in cities() for alias in city.aliases}
    return aliases | {fold(city.name): city for city in cities()}


def find(city: str) -> Climate | None:
    """The city of the table that is meant, or None. ``Paris, France`` is in it; ``Paris, Texas`` is not."""
    found = _named(city.replace(",", " "))
    if found is not None:
        return found  # "NYC", or "Washington, D.C.", which is an alias as a whole
    for name, region in readings(city):
        found = _named(name)
        if found is not None and lies_in(found.place, region):
            return found
    return None


def _named(name: str) -> Climate | None:
    return _by_name().get(fold(name.replace(".", "")))


def cities_of(country: str) -> tuple[str, ...]:
    """Names of the cities of a country of the table; none for what is no country of it."""
    wanted = fold(country)
    return tuple(city.name for city in cities() if fold(city.country) == wanted)


def like(city: str) -> str:
    """The name of the city of the table that is spelled most like ``city``: Paris for ``pariss``, else nothing."""
    names = {fold(known.name): known.name for known in cities() if fold(known.name) != fold(city)}
    found = get_close_matches(fold(city)[:MAX_NAME], names, n=1, cutoff=0.8)
    return names[found[0]] if found else ""


def is_known(name: str) -> bool:
    """Whether ``name`` alone, without a region, is a city of the table or one of its other names."""
    return _named(name) is not None
