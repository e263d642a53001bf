"""Answers on a city's weather: live where it can be had, else typical, else why not (see ``reports``)."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from assistants.weather import climate, reports
from assistants.weather.climate import Climate
from assistants.weather.errors import WeatherError
from assistants.weather.open_meteo import FORECAST_URL, GEOCODING_URL, OpenMeteo
from assistants.weather.places import OTHER_WORDS, Place, best, fold, needs_region, readings, split, tidy
from assistants.weather.reports import Report, Spot
from assistants.weather.units import units
from assistants.weather.wire import FORECAST_DAYS, Weather

NEAR: Final = 0.5
"""Degrees of latitude and longitude within which two places of one name are the same."""


class CityProblem(Exception):
    """There is no weather for what was asked. The message is for people; the ``code`` is one of ``no_city``,
    ``unknown_city``, ``too_wide`` (a country or state), ``unreachable`` and ``unknown_month``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WeatherService:
    """Asks Open-Meteo and falls back on the table of typical values. It never raises: a failure is a report as well.

    ``now`` is the present in milliseconds since 1970, ``unit`` is ``celsius`` or ``fahrenheit``.
    """

    def __init__(self, client: OpenMeteo | None = None) -> None:
        self._client = client or OpenMeteo()

    def configure(self, *, forecast_url: str = FORECAST_URL, geocoding_url: str = GEOCODING_URL) -> None:
        """Ask these addresses from now on."""
        self._client, before = OpenMeteo(forecast_url, geocoding_url), self._client
        before.close()

    def close(self) -> None:
        """Hang up. The next question connects anew."""
        self._client.close()

    def current(self, city: str, unit: str, *, now: int) -> Report:
        """The weather of the moment, and the day's outlook."""
        try:
            spot = self._find(city)
            weather = self._weather(spot)
            if weather is None:
                return self._fallback(spot, unit, days=1, now=now)
            return reports.current(spot, weather, units(unit), now)
        except CityProblem as problem:
            return _problem(problem)

    def forecast(self, city: str, days: int, unit: str, *, now: int) -> Report:
        """``days`` days, the first of which is today; at most eight."""
        days = min(max(days, 1), FORECAST_DAYS)
        try:
            spot = self._find(city)
            weather = self._weather(spot)
            if weather is None or not weather.days:
                return self._fallback(spot, unit, days=days, now=now)
            return reports.forecast(spot, weather, units(unit), days, now)
        except CityProblem as problem:
            return _problem(problem)

    def typical(self, city: str, month: str, unit: str, *, now: int) -> Report:
        """What a month (an English name or its first three letters) is like, for the cities of the table."""
        try:
            number = _month_number(month)
            known = climate.find(tidy(city))
            spot = self._find(city) if known is None else Spot(known.place, known.place.label(), known)
            if spot.climate is None:
                count = len(climate.cities())
                message = f"I know the typical months of {count} large cities, and {spot.label} isn't one of them."
                raise CityProblem("unknown_city", message)
            month_there = spot.climate.month(number)
            note = f"Typical values for {month_there.name}, not a forecast and not live."
            return reports.typical(spot, [month_there], units(unit), note, now=now)
        except CityProblem as problem:
            return _problem(problem)

    def _weather(self, spot: Spot) -> Weather | None:
        """The weather there; None where it can't be asked for."""
        try:
            return self._client.weather(spot.place.latitude, spot.place.longitude)
        except WeatherError:
            return None

    def _fallback(self, spot: Spot, unit: str, *, days: int, now: int) -> Report:
        """The typical months of the next ``days`` days."""
        if spot.climate is None:
            message = f"I can't reach the weather service right now, so I can't tell you the weather in {spot.label}."
            raise CityProblem("unreachable", message + " Please try again in a moment.")
        today = reports.local_time(spot, now).date()
        numbers = dict.fromkeys((today + timedelta(days=ahead)).month for ahead in range(days))
        months = [spot.climate.month(number) for number in numbers]
        names = " and ".join(month.name for month in months)
        note = f"Live weather can't be reached right now. These are typical values for {names}, not live."
        return reports.typical(spot, months, units(unit), note, now=now)

    def _find(self, city: str) -> Spot:
        city = tidy(city)
        if not city:
            raise CityProblem("no_city", "Please name a city, for example London.")
        known = climate.find(city)
        in_country = climate.cities_of(OTHER_WORDS.get(fold(city), city))
        if known is None and in_country:
            raise CityProblem("too_wide", _too_wide(city, in_country))
        try:
            return self._search(city, known)
        except WeatherError as error:
            if known is not None:
                return Spot(known.place, known.place.label(), known)
            message = f"I can't look up “{city}” right now: the weather service doesn't answer, and it isn't among the"
            hint = _meant(city) or "Please try again in a moment."
            many = len(climate.cities())
            raise CityProblem("unreachable", f"{message} {many} cities that I know by heart. {hint}") from error

    def _search(self, city: str, known: Climate | None) -> Spot:
        is_alias = known is not None and fold(split(city)[0]) != fold(known.name)
        meanings = [(known.name, known.country)] if known is not None and is_alias else readings(city)
        for name, region in meanings:
            places = self._client.search(name, count=100 if region else 20)
            place = best(places, name, region)
            if place is None:
                continue
            if place.is_area:
                raise CityProblem("too_wide", _too_wide(place.name, climate.cities_of(place.name)))
            asked = "" if is_alias else region
            label = place.label(with_region=needs_region(place, places, asked))
            return Spot(place, label, _climate_of(place))
        hint = _meant(city) or "Check the spelling, or add its country or state, as in “Paris, Texas”."
        raise CityProblem("unknown_city", f"I don't know a place called “{city}”. {hint}")


def _climate_of(place: Place) -> Climate | None:
    """The typical months of this very place, not of a namesake."""
    found = climate.find(f"{place.name}, {place.country}") or climate.find(place.name)
    if found is None:
        return None
    near = abs(found.latitude - place.latitude) < NEAR and abs(found.longitude - place.longitude) < NEAR
    return found if near else None


def _meant(city: str) -> str:
    """The question whether a city of a similar name is meant."""
    return f"Did you mean {name}?" if (name := climate.like(city)) else ""


def _too_wide(name: str, cities: Iterable[str]) -> str:
    examples = list(cities)[:2]
    hint = f", for example {' or '.join(examples)}" if examples else ""
    return f"{name} is too large to have one weather. Name a city there{hint}."


def _problem(problem: CityProblem) -> Report:
    return {"live": False, "error": problem.code, "message": str(problem)}


def _month_number(month: str) -> int:
    wanted = month.strip().lower()[:3]
    for number in range(1, 13):
        if len(wanted) == 3 and calendar.month_name[number].lower().startswith(wanted):
            return number
    raise CityProblem("unknown_month", "Please name a month, for example July.")
