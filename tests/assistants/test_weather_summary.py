"""What a talk about the weather leaves behind: who asked and for which cities, read back by the rules."""

from __future__ import annotations

import pytest

from agent.assistant import TurnContext
from agent.offline import Ask, ToolCall
from assistants.weather import ASSISTANT
from assistants.weather.summary import heard_earlier, summarise
from memory import Message, Turn


def turns(*messages: str) -> list[Turn]:
    return [Turn(f"t{n}", 0, n, 1, (Message("human", said), Message("ai", "So."))) for n, said in enumerate(messages)]


def asked(message: str, earlier: str) -> object:
    context = TurnContext(assistant="weather", subject="ada", message=message, now=0, earlier=earlier)
    return ASSISTANT.offline(Ask(message, turn=context))


def test_it_keeps_who_asked_and_the_cities_in_their_order() -> None:
    left = summarise("", turns("My name is Ada", "Weather in London?", "And in Paris, Texas?", "And tomorrow?"), 600)
    assert left == "The user is called Ada. Asked for the weather in London; Paris, Texas."
    assert summarise(left, turns("Rome?", "and London?"), 600).endswith("in Paris, Texas; Rome; London.")


def test_what_it_kept_is_what_the_rules_know_in_the_next_session() -> None:
    left = summarise("", turns("I'm Ada. Will it rain in Oslo?"), 600)
    calls = asked("And tomorrow?", left)
    assert calls == [ToolCall("get_forecast", {"city": "Oslo", "days": 2, "unit": "celsius"})]
    assert asked("What is my name?", left) == "Your name is Ada."
    assert asked("Which cities did I ask about?", left) == "So far you asked me about Oslo."


def test_the_newest_cities_are_kept_in_few_bytes() -> None:
    cities = ["London", "Rome", "Paris", "Oslo", "Berlin", "Madrid", "Vienna", "Lisbon", "Athens", "Dublin"]
    said = turns(*(f"Weather in {city}?" for city in cities))
    assert summarise("", said, 600) == f"Asked for the weather in {'; '.join(cities[-8:])}."
    assert summarise("", said, 45) == "Asked for the weather in Athens; Dublin."


def test_a_talk_of_something_else_is_kept_as_it_went() -> None:
    assert summarise("", turns("hello"), 600) == "- “hello” → “So.”"
    assert summarise("- “hello” → “So.”", turns("Weather in Rome?"), 600) == "Asked for the weather in Rome."


def test_what_a_model_wrote_stays() -> None:
    left = summarise("Ada sails.", turns("Weather in Rome?"), 600)
    assert left == "Ada sails.\n- “Weather in Rome?” → “So.”"
    assert heard_earlier(left) == []


@pytest.mark.parametrize("text", ["", "Asked for", "- “Weather in Rome?” → “So.”", "The user is called x\n."])
def test_what_it_did_not_write_is_not_heard(text: str) -> None:
    assert heard_earlier(text) == []
