"""What can go wrong when the weather is asked for.

WeatherError       the weather could not be asked for
├── Unreachable    no connection, no answer in time, or so lately that it isn't tried again yet
└── BadAnswer      an error status, or something that isn't Open-Meteo's JSON
"""

from __future__ import annotations


class WeatherError(Exception):
    """The weather could not be asked for."""


class Unreachable(WeatherError):
    """No connection, no answer in time, or so lately that it isn't tried again yet."""


class BadAnswer(WeatherError):
    """An error ``status``, or (None) something that isn't Open-Meteo's JSON."""

    def __init__(self, url: str, status: int | None = None) -> None:
        super().__init__(f"{url} answered {status}" if status else f"{url} did not answer in Open-Meteo's JSON")
        self.status = status
