"""The assistant as the server finds it: its tools in a real agent, its settings, its policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

import assistants.weather as weather
from agent.assistant import TurnContext
from assistants.weather import ASSISTANT, SETTINGS, configure
from assistants.weather.service import WeatherService
from assistants.weather.tools import weather_tools
from memory import SessionPolicy
from tests.assistants.weather_conversation import NOW, cut_off, run_tool, service_of
from tests.fakes.open_meteo import OpenMeteoServer
from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse


@pytest.fixture
def meteo() -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        yield server


@pytest.fixture
def service(meteo: OpenMeteoServer) -> Iterator[WeatherService]:
    with closing(service_of(meteo)) as service:
        yield service


@pytest.fixture
def configured(meteo: OpenMeteoServer) -> Iterator[OpenMeteoServer]:
    """The server that the assistant itself asks, during this test."""
    configure({"WEATHER_URL": meteo.forecast_url, "GEOCODING_URL": meteo.geocoding_url})
    yield meteo
    configure({})


def ask_agent(model: OpenAIServer, message: str) -> list[Any]:
    """The messages of one run of a real agent with the assistant's prompt and tools."""
    chat = ChatOpenAI(model="test", base_url=model.url, api_key=SecretStr("key"), max_retries=0)
    agent = create_agent(chat, list(ASSISTANT.tools), system_prompt=ASSISTANT.prompt, context_schema=TurnContext)
    context = TurnContext(assistant="weather", subject="ada", message=message, now=NOW)
    result = agent.invoke({"messages": [HumanMessage(message)]}, context=context)
    return list(result["messages"])


def told(messages: list[Any]) -> list[dict[str, Any]]:
    """What the tools told the model."""
    return [json.loads(message.text) for message in messages if isinstance(message, ToolMessage)]


def test_a_model_is_offered_the_tools(openai_server: OpenAIServer, configured: OpenMeteoServer) -> None:
    openai_server.will("Hello!")
    ask_agent(openai_server, "Hi")
    (call,) = openai_server.chats
    assert call.tools == ["get_current_weather", "get_forecast", "get_typical_weather"]
    offered = json.dumps(call.body["tools"])
    assert "Paris, Texas" in offered
    assert "runtime" not in offered


def test_a_model_looks_the_weather_up(openai_server: OpenAIServer, configured: OpenMeteoServer) -> None:
    openai_server.will(Reply(tools=[ToolUse("get_current_weather", {"city": "London"})]), "Cloudy, 9 °C.")
    messages = ask_agent(openai_server, "Weather in London?")
    (report,) = told(messages)
    assert (report["live"], report["place"], report["temperature"]) == (True, "London, United Kingdom", 9)
    assert messages[-1].content == "Cloudy, 9 °C."


def test_a_model_may_ask_for_several_things_at_once(openai_server: OpenAIServer, configured: OpenMeteoServer) -> None:
    uses = [
        ToolUse("get_forecast", {"city": "Rome", "days": 2, "unit": "fahrenheit"}),
        ToolUse("get_typical_weather", {"city": "Oslo", "month": "July"}),
        ToolUse("get_current_weather", {"city": "Atlantis"}),
    ]
    openai_server.will(Reply(tools=uses), "Here you are.")
    forecast, typical, unknown = told(ask_agent(openai_server, "Rome, Oslo, Atlantis?"))
    assert [day["weekday"] for day in forecast["days"]] == ["Friday", "Saturday"]
    assert typical["typical"][0]["month"] == "July"
    assert unknown["error"] == "unknown_city"


def test_a_model_that_calls_a_tool_wrongly_is_told_so(openai_server: OpenAIServer, configured: OpenMeteoServer) -> None:
    openai_server.will(Reply(tools=[ToolUse("get_forecast", {"city": ["Rome"], "days": "many"})]), "I'm sorry.")
    messages = ask_agent(openai_server, "Rome?")
    (answer,) = [message for message in messages if isinstance(message, ToolMessage)]
    assert answer.status == "error"
    assert messages[-1].content == "I'm sorry."


def test_what_a_tool_returns_is_compact(service: WeatherService) -> None:
    tools = weather_tools(service)
    assert len(run_tool(tools, "get_current_weather", {"city": "London"})) < 600
    assert len(run_tool(tools, "get_forecast", {"city": "London", "days": 8})) < 2_000


def test_a_failure_is_told_as_text() -> None:
    tools = weather_tools(cut_off())
    for name, args in (
        ("get_current_weather", {}),
        ("get_forecast", {"days": 9_999}),
        ("get_typical_weather", {"month": "?"}),
    ):
        report = json.loads(run_tool(tools, name, {"city": "Bergen", **args}))
        assert report["live"] is False
        assert report["message"]


def test_a_tool_knows_the_month_from_the_turn() -> None:
    july = NOW - 130 * 86_400_000
    report = json.loads(run_tool(weather_tools(cut_off()), "get_current_weather", {"city": "London"}, now=july))
    assert report["typical"][0]["month"] == "July"


def test_the_assistant_is_that_of_its_seed() -> None:
    assert ASSISTANT.name == "weather"
    assert ASSISTANT.subject == "user"
    assert ASSISTANT.policy == SessionPolicy(duration=1800, inactivity=900, max_turns=20, keep_turns=20)
    assert ASSISTANT.policy.durability == "disk"


def test_the_model_is_told_the_day() -> None:
    context = TurnContext(assistant="weather", subject="ada", message="", now=NOW)
    assert ASSISTANT.before(context) == "Now it is Friday, 20 November 2026, 10:30 UTC."


def test_the_prompt_names_every_tool() -> None:
    for tool in ASSISTANT.tools:
        assert f"`{tool.name}`" in ASSISTANT.prompt


def test_the_settings_are_whole_addresses_with_open_meteo_as_default() -> None:
    assert SETTINGS == {
        "WEATHER_URL": "https://api.open-meteo.com/v1/forecast",
        "GEOCODING_URL": "https://geocoding-api.open-meteo.com/v1/search",
    }


def test_the_assistant_asks_the_addresses_it_was_given(configured: OpenMeteoServer) -> None:
    assert weather.service.current("Bergen", "celsius", now=NOW)["live"] is True
    assert configured.paths == ["/v1/search", "/v1/forecast"]


@pytest.mark.parametrize(
    "value", ["api.open-meteo.com", "ftp://host/x", "http://", "http://host:port/", "http://a b\n", "http://h:0/"]
)
def test_an_address_that_makes_no_sense_is_refused(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        configure({"WEATHER_URL": value})
    assert str(caught.value).startswith("WEATHER_URL must be a whole http or https address such as https://api.open")
    assert repr(value) in str(caught.value)
