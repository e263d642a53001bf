"""The weather assistant (seed 003): live weather of Open-Meteo, typical values where that can't be reached.

``SETTINGS`` are the environment variables that it takes, with their defaults; ``configure`` gets their values at the
start of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent.assistant import Assistant, TurnContext
from assistants.weather.offline import reply
from assistants.weather.open_meteo import FORECAST_URL, GEOCODING_URL
from assistants.weather.policy import POLICY
from assistants.weather.service import WeatherService
from assistants.weather.summary import remembering, summarise
from assistants.weather.tools import weather_tools

SETTINGS: Final = {"WEATHER_URL": FORECAST_URL, "GEOCODING_URL": GEOCODING_URL}
"""Open-Meteo's forecast and search endpoints, each a whole address."""

SETTINGS_ABOUT: Final = {
    "WEATHER_URL": "whole address of the forecast endpoint",
    "GEOCODING_URL": "whole address of the search for places",
}

service: Final = WeatherService()


def configure(values: Mapping[str, str]) -> None:
    """Ask these addresses from now on. Raises ``ValueError`` with a sentence for whoever set a wrong one."""
    addresses = {name: _address(name, values.get(name) or default) for name, default in SETTINGS.items()}
    service.configure(forecast_url=addresses["WEATHER_URL"], geocoding_url=addresses["GEOCODING_URL"])


def _address(name: str, value: str) -> str:
    wrong = f"{name} must be a whole http or https address such as {SETTINGS[name]}, got {value!r}"
    try:
        parts = urlsplit(value)
        port = parts.port  # raises for what is no number
    except ValueError as error:
        raise ValueError(wrong) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not value.isprintable():
        raise ValueError(wrong)
    return value


def _date(context: TurnContext) -> str:
    """Models don't know what day it is."""
    return f"Now it is {datetime.fromtimestamp(context.now / 1000, UTC):%A, %d %B %Y, %H:%M} UTC."


ASSISTANT: Final = Assistant(
    name="weather",
    summary="Current weather and forecasts for any city, with advice on umbrellas and coats.",
    policy=POLICY,
    prompt=Path(__file__).with_name("prompt.md").read_text(encoding="utf-8"),
    offline=remembering(reply),
    tools=weather_tools(service),
    before=_date,
    summarise=summarise,
)
