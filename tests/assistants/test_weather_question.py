"""What a message asks for, alone and in a conversation."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistants.weather.question import Question, remembered_cities, understand
from assistants.weather.tokens import MAX_TOKENS, tokens

Told = list[tuple[str, str]]


def asked(message: str, *before: str) -> Question:
    """The question after earlier messages, each of which was answered."""
    history: Told = []
    for earlier in before:
        history += [("human", earlier), ("ai", "Cloudy, 9 °C.")]
    question = understand(message, history)
    assert question is not None, f"{message!r} is a question about the weather"
    return question


@pytest.mark.parametrize(
    ("message", "city"),
    [
        ("Weather in London?", "London"),
        ("weather in london", "london"),
        ("London weather", "London"),
        ("Bergen weather", "Bergen"),
        ("weather Bergen", "Bergen"),
        ("forecast: Bergen", "Bergen"),
        ("Bergen's weather", "Bergen"),
        ("London's weather", "London"),
        ("London", "London"),
        ("London!!!", "London"),
        ("bergen?", "bergen"),
        ("Bergen tomorrow", "Bergen"),
        ("Bergen, Norway", "Bergen, Norway"),
        ("🌧️ London", "London"),
        ("东京", "东京"),
        ("what's it like in new york tomorrow in fahrenheit", "new york"),
        ("do I need an umbrella in Oslo?", "Oslo"),
        ("Can you tell me if I need an umbrella for my trip to Oslo tomorrow?", "Oslo"),
        ("Will it rain in Paris, Texas on Friday?", "Paris, Texas"),
        ("weather london, uk tomorrow", "london, uk"),
        ("Weather in Washington, D.C.", "Washington, D.C."),
        ("Weather at St. John's", "St. John's"),
        ("weather in The Hague", "The Hague"),
        ("weather in the city of London right now", "London"),
        ("what will the temperature be in London's city centre?", "London"),
        ("Weather in Isle of Man", "Isle of Man"),
        ("Is it nice in Nice?", "Nice"),
        ("what should I wear in Nice on Friday", "Nice"),
        ("is London rainy today?", "London"),
        ("How cold is Moscow?", "Moscow"),
        ("How's the weather in Bergen, Norway today?", "Bergen, Norway"),
        ("temperature in degrees celsius in Bergen", "Bergen"),
        ("will it be warm in the morning in Bergen", "Bergen"),
        ("the forecast for monday for Bergen please", "Bergen"),
        ("I'm going to Bergen next week, what should I pack?", "Bergen"),
        ("I live in Bergen", "Bergen"),
        ("I'm in London now", "London"),
        ("My name is Ada, what's the weather in Bergen?", "Bergen"),
        ("What time is it in Tokyo?", "Tokyo"),
        ("¿Qué tiempo hace en Madrid?", "Madrid"),
        ("Wie ist das Wetter in Berlin?", "Berlin"),
        ("weather for 94103", "94103"),
        ('weather in "Bergen"', "Bergen"),
        ("weather in Springfield, IL", "Springfield, IL"),
        ("Springfield, IL, USA tomorrow", "Springfield, IL, USA"),
        ("Portland, OR", "Portland, OR"),
        ("Weather in Portland OR", "Portland OR"),
        ("PORTLAND, OR weather", "PORTLAND, OR"),
        ("weather in <b>Bergen</b>", "Bergen"),
    ],
)
def test_the_city_is_found(message: str, city: str) -> None:
    assert asked(message).cities == (city,)


@pytest.mark.parametrize(
    ("message", "cities"),
    [
        ("Weather in London and Paris", ("London", "Paris")),
        ("Is it raining in London, Bergen and Rome?", ("London", "Bergen", "Rome")),
        ("London vs Paris", ("London", "Paris")),
        ("compare London and Rome tomorrow", ("London", "Rome")),
        ("Weather in Paris, Texas and Rome, Italy", ("Paris, Texas", "Rome, Italy")),
        ("weather in Rome and in Rome", ("Rome",)),
        ("weather in rome, or in oslo", ("rome", "oslo")),
        ("weather in Rome, Oslo, Paris, London, Berlin", ("Rome", "Oslo", "Paris")),
        ("What's the weather in Rome and will I need a coat?", ("Rome",)),
        ("weather in Rome and tell me a joke", ("Rome",)),
    ],
)
def test_several_cities_are_found(message: str, cities: tuple[str, ...]) -> None:
    assert asked(message).cities == cities


@pytest.mark.parametrize(
    "message",
    [
        "weather",
        "what is the weather?",
        "will it rain tomorrow?",
        "do I need an umbrella",
        "how hot is it in general",
        "is it going to be cold in the morning",
        "weather for my trip",
        "I'd like the forecast for the next 3 days in celsius please",
    ],
)
def test_no_city_is_made_up(message: str) -> None:
    assert asked(message).cities == ()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "   ",
        "???",
        "Hello",
        "good morning",
        "thanks!",
        "help",
        "tell me a joke",
        "What is the capital of France?",
        "What is bitcoin?",
        "I'm Ada",
        "my name is London",
        "what's my name?",
        "what about your mother?",
        "and you?",
        "yes",
        "cool",
        "Cool, thanks!",
        "I'm hungry",
        "how are you?",
    ],
)
def test_other_messages_are_no_question_about_the_weather(message: str) -> None:
    assert understand(message, [("human", "Weather in Oslo?"), ("ai", "Cloudy.")]) is None


@pytest.mark.parametrize("message", ["and in Rome?", "and Rome?", "what about Rome", "how about rome?", "Rome"])
def test_another_city_can_follow(message: str) -> None:
    assert asked(message, "Weather in London?").cities[0].lower() == "rome"


@pytest.mark.parametrize("message", ["and tomorrow?", "tomorrow?", "what about tomorrow", "will it rain tomorrow?"])
def test_another_time_can_follow(message: str) -> None:
    question = asked(message, "Hello", "Weather in London?", "thanks")
    assert question.cities == ("London",)
    assert (question.when.first, question.when.last) == (1, 1)


def test_a_city_that_follows_keeps_the_time_and_what_was_asked() -> None:
    question = asked("and in Rome?", "do I need an umbrella in Oslo tomorrow?", "and in Bergen?")
    assert question.cities == ("Rome",)
    assert question.when.first == 1
    assert question.about == {"umbrella"}


def test_a_new_question_starts_afresh() -> None:
    question = asked("Weather in Rome?", "do I need an umbrella in Oslo tomorrow?")
    assert question.when.kind == "now"
    assert question.about == frozenset()


def test_the_unit_stays_until_another_is_named() -> None:
    assert asked("and in Rome?", "London in fahrenheit").unit == "fahrenheit"
    assert asked("Weather in Rome", "London in °F", "and in Oslo").unit == "fahrenheit"
    assert asked("in celsius please", "London tomorrow in F").unit == "celsius"
    assert asked("Weather in Rome").unit == "celsius"


def test_a_unit_alone_repeats_the_question_in_it() -> None:
    question = asked("in fahrenheit please", "Will it be cold in Oslo tomorrow?")
    assert (question.cities, question.when.first, question.unit) == (("Oslo",), 1, "fahrenheit")


def test_a_city_answers_the_question_for_one() -> None:
    history = [("human", "will it rain tomorrow?"), ("ai", "Gladly! Which city would you like the weather for?")]
    for answer in ("Bergen", "in bergen please", "I'm in Bergen", "it's Bergen, Norway", "oslo"):
        question = understand(answer, history)
        assert question is not None
        assert question.cities
        assert question.when.first == 1
        assert question.about == {"rain"}
    assert understand("tell me a joke", history) is None


def test_a_city_that_turned_out_unknown_is_not_asked_for_again() -> None:
    history = [
        ("human", "Weather in Oslo?"),
        ("ai", "Oslo, Norway: cloudy."),
        ("human", "Weather in Atlantis?"),
        ("ai", "I don't know a place called “Atlantis”."),
    ]
    question = understand("and tomorrow?", history)
    assert question is not None
    assert question.cities == ("Oslo",)
    assert remembered_cities(history) == ["Oslo"]


def test_here_is_a_place_that_cannot_be_seen() -> None:
    for message in ("weather here", "will it rain in my city?", "is it cold near me"):
        question = asked(message, "Weather in Oslo?")
        assert question.here
        assert question.cities == ()


def test_the_cities_of_a_conversation_are_remembered() -> None:
    history: Told = []
    for message in ("Hello", "weather in new york", "and in Rome?", "tomorrow?", "New York again in F", "thanks"):
        history += [("human", message), ("ai", "Cloudy.")]
    assert remembered_cities(history) == ["New York", "Rome"]


@settings(deadline=None)
@given(st.text(max_size=400), st.lists(st.tuples(st.sampled_from(["human", "ai"]), st.text(max_size=60)), max_size=4))
def test_any_message_can_be_read(message: str, history: Told) -> None:
    question = understand(message, history)
    assert question is None or len(question.cities) <= 3


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "in ",
        "in London, ",
        "of X ",
        "to x ",
        "London's ",
        "and ",
        "next 3 days ",
        "not ",
        "my name is ",
        "ﷺ",
        "́",
        "-",
        ".",
        "😀",
        "1 ",
    ],
)
def test_the_longest_messages_are_read_at_once(piece: str) -> None:
    message = (piece * 8_000)[:8_000]
    began = time.process_time()
    understand(message, [("human", message), ("ai", message)] * 3)
    assert time.process_time() - began < 1.0
    assert len(tokens(message)) <= MAX_TOKENS
