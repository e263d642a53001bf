"""Metric or imperial: what Open-Meteo measures in °C, km/h and mm, as a person asked for it, rounded for reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Units:
    """The three units of a reply, and how to get there. None stays None."""

    temperature: str
    wind_speed: str
    precipitation: str
    imperial: bool

    def degrees(self, celsius: float | None) -> int | None:
        if celsius is None:
            return None
        return _whole(celsius * 9 / 5 + 32 if self.imperial else celsius)

    def speed(self, kmh: float | None) -> int | None:
        if kmh is None:
            return None
        return _whole(kmh / 1.609344 if self.imperial else kmh)

    def amount(self, mm: float | None) -> float | None:
        if mm is None:
            return None
        return round(mm / 25.4, 2) if self.imperial else round(mm, 1)


METRIC: Final = Units("°C", "km/h", "mm", imperial=False)
IMPERIAL: Final = Units("°F", "mph", "in", imperial=True)


def units(unit: str) -> Units:
    """``fahrenheit``, ``F``, ``°F`` and ``imperial`` are imperial, everything else is metric."""
    return IMPERIAL if unit.strip().lower().lstrip("°") in {"f", "fahrenheit", "imperial"} else METRIC


def whole(value: float | None) -> int | None:
    """Rounded, for what has the same unit everywhere (%)."""
    return None if value is None else _whole(value)


def _whole(value: float) -> int:
    return round(value)
