"""Weather in words: the WMO codes that Open-Meteo answers with."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    0: "clear sky",
    1: "mostly clear",
    2: "partly cloudy",
    3: "cloudy",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light rain showers",
    81: "rain showers",
    82: "violent rain showers",
    85: "light snow showers",
    86: "heavy snow showers",
    95: "thunderstorms",
    96: "thunderstorms with light hail",
    99: "thunderstorms with heavy hail",
}

BY_DAY: Final = {0: "sunny", 1: "mostly sunny"}

SNOW: Final = frozenset({71, 73, 75, 77, 85, 86})
WET: Final = frozenset(code for code in WORDS if code >= 51) - SNOW
"""What an umbrella is for; it is none against snow."""


def describe(code: int | None, *, day: bool = True) -> str:
    """``partly cloudy``; empty for a code that is missing or unknown. A clear sky is sunny by day."""
    if code is None:
        return ""
    return (BY_DAY.get(code) if day else None) or WORDS.get(code, "")


def falls(code: int | None) -> str:
    """What comes down: ``rain``, ``snow`` or nothing (empty)."""
    if code in SNOW:
        return "snow"
    return "rain" if code in WET else ""
