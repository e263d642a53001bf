"""A conversation with the weather assistant's rules, through its real tools, as the server would run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool

from agent.assistant import TurnContext
from agent.offline import Ask, ToolCall, ToolResult
from agent.runner import MAX_TOOL_CALLS
from assistants.weather.offline import reply
from assistants.weather.open_meteo import Limits, OpenMeteo
from assistants.weather.service import WeatherService
from assistants.weather.tools import weather_tools
from tests.fakes.open_meteo import OpenMeteoServer

NOW = int(datetime(2026, 11, 20, 10, 30, tzinfo=UTC).timestamp() * 1000)
"""A Friday, which is the present of the stand-in for Open-Meteo as well."""

QUICK = Limits(connect=0.3, read=0.3, total=0.6)
"""For tests that wait in vain."""

NOBODY = "http://127.0.0.1:9/v1"
"""An address where nobody listens."""


def service_of(meteo: OpenMeteoServer) -> WeatherService:
    return WeatherService(OpenMeteo(meteo.forecast_url, meteo.geocoding_url))


def cut_off() -> WeatherService:
    """A service without a network."""
    return WeatherService(OpenMeteo(f"{NOBODY}/forecast", f"{NOBODY}/search", limits=QUICK))


def run_tool(tools: Sequence[BaseTool], name: str, args: dict[str, Any], now: int = NOW) -> str:
    """Call a tool with the running turn, through its argument schema."""
    context = TurnContext(assistant="weather", subject="ada", message="", now=now)
    runtime: ToolRuntime[TurnContext, dict[str, Any]] = ToolRuntime(
        state={}, context=context, config={}, stream_writer=lambda _: None, tool_call_id="call", store=None
    )
    result = next(tool for tool in tools if tool.name == name).invoke({**args, "runtime": runtime})
    assert isinstance(result, str)
    return result


@dataclass
class Conversation:
    """One person's messages and the replies. ``called`` are the tool calls of the last message."""

    service: WeatherService
    history: list[tuple[str, str]] = field(default_factory=list)
    called: list[ToolCall] = field(default_factory=list)
    tools: list[BaseTool] = field(init=False)

    def __post_init__(self) -> None:
        self.tools = weather_tools(self.service)

    def says(self, message: str) -> str:
        self.called = []
        results: list[ToolResult] = []
        while not isinstance(answer := reply(Ask(message, tuple(self.history), results)), str):
            calls = [answer] if isinstance(answer, ToolCall) else list(answer)
            results += [ToolResult(call.name, call.args, run_tool(self.tools, call.name, call.args)) for call in calls]
            self.called += calls
            assert len(self.called) <= MAX_TOOL_CALLS, "the rules never come to an end"
        self.history += [("human", message), ("ai", answer)]
        return answer
