"""The weather of a place, and Open-Meteo's JSON that it is read from.

Fields that Open-Meteo leaves out or sends as null are None here; unknown ones are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from assistants.weather.places import Place

FORECAST_DAYS: Final = 8
"""Today and the seven days after it."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Now:
    """The weather of the moment: °C, km/h, %, mm; ``code`` is a WMO code."""

    temperature: float
    feels_like: float | None
    code: int | None
    day: bool
    humidity: float | None
    precipitation: float | None
    wind: float | None
    gusts: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """A day's weather: °C, km/h, mm; ``rain_chance`` in %. ``sunrise`` and ``sunset`` are local."""

    date: date
    high: float
    low: float
    code: int | None
    rain_chance: float | None
    precipitation: float | None
    wind: float | None
    sunrise: datetime | None
    sunset: datetime | None


@dataclass(frozen=True, slots=True)
class Weather:
    """Now and the days from today on, in the place's own time, which is ``utc_offset`` seconds ahead of UTC."""

    utc_offset: int | None
    now: Now
    days: tuple[Day, ...]


class _Wire(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    @classmethod
    def asked(cls) -> list[str]:
        """The variables to ask for: every field but the time, which comes by itself."""
        return [name for name in cls.model_fields if name != "time"]


class _Found(_Wire):
    name: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    country: str | None = None
    country_code: str | None = None
    admin1: str | None = None
    timezone: str | None = None
    population: int | None = None
    feature_code: str | None = None

    def place(self) -> Place:
        return Place(
            name=self.name,
            country=self.country or "",
            latitude=self.latitude,
            longitude=self.longitude,
            country_code=self.country_code or "",
            region=self.admin1 or "",
            timezone=self.timezone or "",
            population=self.population or 0,
            kind=self.feature_code or "PPL",
        )


class SearchAnswer(_Wire):
    results: list[_Found] = []
    """Left out by Open-Meteo where nothing was found."""


class Current(_Wire):
    temperature_2m: float
    apparent_temperature: float | None = None
    relative_humidity_2m: float | None = None
    is_day: int | None = None
    precipitation: float | None = None
    weather_code: int | None = None
    wind_speed_10m: float | None = None
    wind_gusts_10m: float | None = None

    def now(self) -> Now:
        return Now(
            temperature=self.temperature_2m,
            feels_like=self.apparent_temperature,
            code=self.weather_code,
            day=self.is_day != 0,
            humidity=self.relative_humidity_2m,
            precipitation=self.precipitation,
            wind=self.wind_speed_10m,
            gusts=self.wind_gusts_10m,
        )


class Daily(_Wire):
    time: list[date]
    weather_code: list[int | None] = []
    temperature_2m_max: list[float | None] = []
    temperature_2m_min: list[float | None] = []
    precipitation_sum: list[float | None] = []
    precipitation_probability_max: list[float | None] = []
    wind_speed_10m_max: list[float | None] = []
    sunrise: list[datetime | None] = []
    sunset: list[datetime | None] = []

    def days(self) -> tuple[Day, ...]:
        """The days whose temperatures are known."""
        days = (self._day(index) for index in range(len(self.time[:FORECAST_DAYS])))
        return tuple(day for day in days if day is not None)

    def _day(self, index: int) -> Day | None:
        high, low = _at(self.temperature_2m_max, index), _at(self.temperature_2m_min, index)
        if high is None or low is None:
            return None
        return Day(
            date=self.time[index],
            high=high,
            low=low,
            code=_at(self.weather_code, index),
            rain_chance=_at(self.precipitation_probability_max, index),
            precipitation=_at(self.precipitation_sum, index),
            wind=_at(self.wind_speed_10m_max, index),
            sunrise=_at(self.sunrise, index),
            sunset=_at(self.sunset, index),
        )


class ForecastAnswer(_Wire):
    utc_offset_seconds: int | None = Field(default=None, gt=-86_400, lt=86_400)
    current: Current
    daily: Daily | None = None

    def weather(self) -> Weather:
        days = self.daily.days() if self.daily else ()
        return Weather(utc_offset=self.utc_offset_seconds, now=self.current.now(), days=days)


def _at(values: list[Value], index: int) -> Value | None:
    return values[index] if index < len(values) else None
