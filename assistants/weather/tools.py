"""The look-ups that a model can make. Each returns compact JSON (see ``reports``); failures are told in it as well."""

from __future__ import annotations

from typing import Annotated

import orjson
from langchain.tools import ToolRuntime, tool
from langchain_core.tools import BaseTool
from pydantic import Field

from agent.assistant import TurnContext
from assistants.weather.reports import Report
from assistants.weather.service import WeatherService
from memory.clock import now_ms

City = Annotated[str, Field(description="The city, with its country or state if there are namesakes: Paris, Texas")]
Unit = Annotated[str, Field(description="celsius (with km/h) or fahrenheit (with mph)")]
Days = Annotated[int, Field(description="How many days, the first of which is today: 1 to 8. Tomorrow needs 2.")]
Month = Annotated[str, Field(description="The English name of a month: July")]


def weather_tools(service: WeatherService) -> list[BaseTool]:
    """The tools, asking ``service``."""

    @tool
    def get_current_weather(city: City, runtime: ToolRuntime[TurnContext], unit: Unit = "celsius") -> str:
        """The weather in a city at this moment, its local time, and the outlook for the rest of today."""
        return _json(service.current(city, unit, now=_now(runtime)))

    @tool
    def get_forecast(city: City, runtime: ToolRuntime[TurnContext], days: Days = 3, unit: Unit = "celsius") -> str:
        """The weather in a city day by day, from today on, up to seven days ahead, with dates and weekdays."""
        return _json(service.forecast(city, days, unit, now=_now(runtime)))

    @tool
    def get_typical_weather(city: City, month: Month, runtime: ToolRuntime[TurnContext], unit: Unit = "celsius") -> str:
        """What a month is typically like in a well-known city. No forecast: for times further ahead than a week."""
        return _json(service.typical(city, month, unit, now=_now(runtime)))

    return [get_current_weather, get_forecast, get_typical_weather]


def _now(runtime: ToolRuntime[TurnContext]) -> int:
    """The turn's own time (ms); the wall clock where an agent runs without a turn."""
    context: TurnContext | None = runtime.context
    return context.now if context is not None else now_ms()


def _json(report: Report) -> str:
    return orjson.dumps(report).decode()
