"""What is told of a city's weather, as small JSON documents: for a model to read, or for the rules to phrase.

live      {"live": true, "place": "Paris, France", "temperature": 9, …, "units": {…}}
typical   {"live": false, "place": …, "note": …, "typical": [{"month": "November", "high": 11, …}], "units": {…}}
neither   {"live": false, "error": "unknown_city", "message": "a sentence for a person"}

What isn't known is left out. Times are the place's own: ``2026-11-20T10:30``, ``07:25``.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assistants.weather.climate import Climate, Month
from assistants.weather.conditions import describe, falls
from assistants.weather.places import Place
from assistants.weather.units import Units, whole
from assistants.weather.wire import Day, Weather

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """A city that was found: where it is, how it is called in replies, and its typical months if it has any."""

    place: Place
    label: str
    climate: Climate | None


def current(spot: Spot, weather: Weather, unit: Units, now: int) -> Report:
    seen = weather.now
    document = {
        "live": True,
        "place": spot.label,
        "local_time": _minute(local_time(spot, now, weather.utc_offset)),
        "conditions": describe(seen.code, day=seen.day),
        "falling": falls(seen.code),
        "temperature": unit.degrees(seen.temperature),
        "feels_like": unit.degrees(seen.feels_like),
        "humidity": whole(seen.humidity),
        "precipitation": unit.amount(seen.precipitation),
        "wind_speed": unit.speed(seen.wind),
        "wind_gusts": unit.speed(seen.gusts),
        "today": _day(weather.days[0], unit) if weather.days else None,
        "units": _units(unit),
    }
    return _known(document)


def forecast(spot: Spot, weather: Weather, unit: Units, days: int, now: int) -> Report:
    first = weather.days[0].date
    until = first + timedelta(days=days)
    document = {
        "live": True,
        "place": spot.label,
        "local_time": _minute(local_time(spot, now, weather.utc_offset)),
        "today": first.isoformat(),
        "days": [_day(day, unit) for day in weather.days if day.date < until],
        "units": _units(unit),
    }
    return _known(document)


def _day(day: Day, unit: Units) -> Report:
    document = {
        "date": day.date.isoformat(),
        "weekday": calendar.day_name[day.date.weekday()],
        "conditions": describe(day.code),
        "falling": falls(day.code),
        "high": unit.degrees(day.high),
        "low": unit.degrees(day.low),
        "rain_chance": whole(day.rain_chance),
        "precipitation": unit.amount(day.precipitation),
        "wind_speed": unit.speed(day.wind),
        "sunrise": _clock_time(day.sunrise, day.date),
        "sunset": _clock_time(day.sunset, day.date),
    }
    return _known(document)


def typical(spot: Spot, months: Iterable[Month], unit: Units, note: str, *, now: int) -> Report:
    there = local_time(spot, now)
    return {
        "live": False,
        "place": spot.label,
        "note": note,
        "local_time": _minute(there),
        "today": there.date().isoformat(),
        "typical": [
            {
                "month": month.name,
                "high": unit.degrees(month.high),
                "low": unit.degrees(month.low),
                "rain_days": month.rain_days,
                "days_in_month": month.days,
            }
            for month in months
        ],
        "units": {"temperature": unit.temperature},
    }


def _units(unit: Units) -> dict[str, str]:
    return {"temperature": unit.temperature, "wind_speed": unit.wind_speed, "precipitation": unit.precipitation}


def _known(document: Report) -> Report:
    """Without what is missing, so that nobody reads out a null."""
    return {name: value for name, value in document.items() if value is not None and value != ""}


def local_time(spot: Spot, now: int, utc_offset: int | None = None) -> datetime:
    """The place's own time: by the offset in seconds that Open-Meteo told, by its time zone, or else UTC."""
    zone: tzinfo = UTC
    if utc_offset is not None:
        zone = timezone(timedelta(seconds=utc_offset))
    elif spot.place.timezone:
        try:
            zone = ZoneInfo(spot.place.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = UTC  # a machine without the time zone database
    return datetime.fromtimestamp(now / 1000, zone)


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _clock_time(moment: datetime | None, day: date) -> str | None:
    """``07:25``; None where the sun doesn't rise or set that day, for which Open-Meteo sends another date."""
    return moment.strftime("%H:%M") if moment is not None and moment.date() == day else None
