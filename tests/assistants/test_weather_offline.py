"""Conversations with the rules, in whole sentences, through the tools and a server in Open-Meteo's wire format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.offline import Ask, ToolResult
from assistants.weather.offline import reply
from assistants.weather.phrases import SORRY
from assistants.weather.wire import Daily
from tests.assistants.weather_conversation import Conversation, cut_off, service_of
from tests.fakes.open_meteo import OpenMeteoServer, Sky


@pytest.fixture
def meteo() -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        yield server


@pytest.fixture
def talk(meteo: OpenMeteoServer) -> Iterator[Conversation]:
    with closing(service_of(meteo)) as service:
        yield Conversation(service)


@pytest.fixture
def offline() -> Conversation:
    """A conversation without a network."""
    return Conversation(cut_off())


def test_the_weather_of_a_city(talk: Conversation) -> None:
    assert talk.says("Weather in London?") == (
        "London, United Kingdom: cloudy, 9 °C (feels like 7 °C), wind 14 km/h. "
        "Today 5 to 11 °C with a 20 % chance of rain. Take a coat."
    )


def test_tomorrow_in_fahrenheit(talk: Conversation) -> None:
    assert talk.says("what's it like in new york tomorrow in fahrenheit") == (
        "New York, United States, tomorrow (Saturday, 21 November): light rain, 44 to 54 °F, wind up to 16 mph, "
        "80 % chance of rain (0.17 in). Take an umbrella and a light jacket."
    )


def test_several_days_are_a_list(talk: Conversation) -> None:
    assert talk.says("Rome, next 3 days") == (
        "Rome, Italy:\n\n"
        "- Tomorrow (Saturday, 21 November): light rain, 6 to 12 °C, 80 % chance of rain (4.2 mm)\n"
        "- Sunday, 22 November: sunny, 7 to 13 °C, 5 % chance of rain\n"
        "- Monday, 23 November: rain, 4 to 10 °C, 90 % chance of rain (6.5 mm)\n\n"
        "Take an umbrella (for tomorrow and Monday) and a coat."
    )


def test_a_conversation_is_remembered(talk: Conversation) -> None:
    assert talk.says("Hello").startswith("Hello! I can tell you the weather anywhere in the world.")
    assert talk.says("My name is Ada") == "Nice to meet you, Ada! Which city would you like the weather for?"
    assert talk.says("Oslo").startswith("Oslo, Norway: cloudy")
    assert talk.says("and tomorrow?").startswith("Oslo, Norway, tomorrow (Saturday, 21 November): light rain")
    assert talk.says("and in Rome?").startswith("Rome, Italy, tomorrow")
    assert talk.says("What's my name?") == "Your name is Ada."
    assert talk.says("Which cities did I ask about?") == "So far you asked me about Oslo and Rome."
    assert talk.says("Thanks!") == "You're welcome, Ada! Just ask whenever you want to know more."
    assert talk.says("bye") == "Goodbye, Ada, and have a nice day!"


@pytest.mark.parametrize(
    ("introduction", "name"),
    [
        ("my name is ada", "Ada"),
        ("Hi, I'm Ada.", "Ada"),
        ("I am Ada Lovelace", "Ada Lovelace"),
        ("call me Jean-Luc please", "Jean-Luc"),
        ("My name's O’Brien!", "O’Brien"),
        ("my name is 小明", "小明"),
        ("My name is Ada and I live in Oslo", "Ada"),
        ("My name is **Ada**", ""),
    ],
)
def test_names_are_understood(talk: Conversation, introduction: str, name: str) -> None:
    talk.says(introduction)
    answer = talk.says("what is my name?")
    assert answer == (f"Your name is {name}." if name else "You haven't told me your name yet. What should I call you?")


@pytest.mark.parametrize(
    "message", ["I'm cold", "I am in Rome", "I'm going to Oslo", "I'm hungry", "my name is not important"]
)
def test_not_everything_is_a_name(talk: Conversation, message: str) -> None:
    talk.says(message)
    assert talk.says("what's my name?") == "You haven't told me your name yet. What should I call you?"


def test_the_last_name_counts(talk: Conversation) -> None:
    talk.says("I'm Ada")
    talk.says("call me Countess")
    assert talk.says("who am I?") == "Your name is Countess."


def test_an_introduction_and_a_question_in_one_message(talk: Conversation) -> None:
    answer = talk.says("Hi, my name is Ada. What's the weather in London?")
    assert answer.startswith("Nice to meet you, Ada! London, United Kingdom: cloudy")


@pytest.mark.parametrize(
    ("sky", "answer"),
    [
        (Sky(code=61), "Yes, take an umbrella: it's raining."),
        (Sky(days={"precipitation_probability_max": [70]}), "Yes, take an umbrella."),
        (
            Sky(days={"precipitation_probability_max": [30]}),
            "Perhaps (30 % chance of rain): an umbrella wouldn't hurt.",
        ),
        (Sky(days={"precipitation_probability_max": [5]}), "No, you won't need an umbrella."),
        (Sky(code=73, days={"weather_code": [73]}), "No umbrella needed: it's snow, not rain."),
    ],
)
def test_umbrella_or_not(talk: Conversation, meteo: OpenMeteoServer, sky: Sky, answer: str) -> None:
    meteo.weather["Oslo"] = sky
    assert talk.says("do I need an umbrella in Oslo?").startswith(f"{answer} Oslo, Norway: ")


@pytest.mark.parametrize(
    ("feels", "answer"),
    [
        (-8.0, "Yes, take a warm coat."),
        (9.0, "Yes, take a coat."),
        (16.0, "Yes, take a light jacket."),
        (25.0, "No, you won't need a coat."),
    ],
)
@pytest.mark.parametrize("unit", ["", " in fahrenheit"])
def test_coat_or_not(talk: Conversation, meteo: OpenMeteoServer, feels: float, answer: str, unit: str) -> None:
    meteo.weather["Oslo"] = Sky(temperature=feels, feels_like=feels)
    assert talk.says(f"do I need a coat in Oslo{unit}?").startswith(f"{answer} Oslo, Norway: ")


def test_what_to_wear_is_no_question_for_yes_or_no(talk: Conversation, meteo: OpenMeteoServer) -> None:
    assert talk.says("What should I wear in Oslo?").startswith("Take a coat. Oslo, Norway: ")
    meteo.weather["Rome"] = Sky(temperature=34, feels_like=36)
    assert talk.says("what should I wear in Rome").startswith("Light clothes will do. Rome, Italy: ")


def test_heat_comes_with_a_word_of_care(talk: Conversation, meteo: OpenMeteoServer) -> None:
    meteo.weather["Rome"] = Sky(temperature=34, feels_like=36, code=0)
    assert talk.says("Rome").endswith("It's hot: drink plenty of water.")


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("Will it rain in Oslo tomorrow?", "Yes, rain is likely. "),
        ("Is it raining in Oslo?", "No, it looks dry. "),
        ("Will it rain in Oslo this weekend", "Yes, rain is likely tomorrow. "),
        ("Will it rain in Oslo on tuesday and sunday", "Rain is possible on Tuesday. "),
        ("Will it snow in Oslo?", "No snow is expected. "),
        ("What time is it in Oslo?", "It's 10:30 on Friday, 20 November. "),
        ("When is sunset in Oslo?", "The sun rises at 07:25 and sets at 16:05. "),
        ("How humid is Oslo?", "The humidity is 81 %. "),
        ("Is it windy in Oslo", "Only a light wind. "),
        ("will it be windy in Oslo tomorrow in F", "There is a fresh breeze. "),
    ],
)
def test_what_was_asked_is_answered_first(talk: Conversation, message: str, start: str) -> None:
    assert talk.says(message).startswith(f"{start}Oslo, Norway")


def test_snow_is_told_as_snow(talk: Conversation, meteo: OpenMeteoServer) -> None:
    meteo.weather["Oslo"] = Sky(
        code=71, days={"weather_code": [71, 75, 3], "precipitation_probability_max": [60, 90, 0]}
    )
    assert "60 % chance of snow" in talk.says("Oslo")
    assert talk.says("will it snow in Oslo the next 2 days").startswith("Yes, snow is expected tomorrow. ")


@pytest.mark.parametrize(
    ("chance", "words"),
    [(80, "with an 80 %"), (8, "with an 8 %"), (11, "with an 11 %"), (70, "with a 70 %"), (0, "with no rain.")],
)
def test_articles_fit_their_numbers(talk: Conversation, meteo: OpenMeteoServer, chance: int, words: str) -> None:
    meteo.weather["Oslo"] = Sky(days={"precipitation_probability_max": [chance]})
    assert words in talk.says("Oslo")


def test_tonight_is_about_the_night(talk: Conversation) -> None:
    assert talk.says("London tonight").startswith("London, United Kingdom, tonight: cloudy, down to 5 °C, ")


def test_several_cities_get_a_paragraph_each(talk: Conversation) -> None:
    first, second = talk.says("Compare London and Rome").split("\n\n")
    assert first.startswith("London, United Kingdom: ")
    assert second.startswith("Rome, Italy: ")
    assert [call.args["city"] for call in talk.called] == ["London", "Rome"]


@pytest.mark.parametrize(
    ("before", "message", "answer"),
    [
        (
            ["Rome", "and Oslo?"],
            "which of the two is warmer?",
            "Rome, Italy is warmer: 21 °C, against 9 °C in Oslo, Norway.",
        ),
        (
            ["London and Rome"],
            "which one is colder",
            "London, United Kingdom is colder: 9 °C, against 21 °C in Rome, Italy.",
        ),
        (["Oslo"], "Is it warmer in Rome?", "Rome, Italy is warmer: 21 °C, against 9 °C in Oslo, Norway."),
        ([], "is Rome windier than Oslo", "Rome, Italy is windier: wind 30 km/h, against 14 km/h in Oslo, Norway."),
        (
            [],
            "Which is the warmest: London, Rome or Oslo?",
            "Rome, Italy is the warmest: 21 °C, against 9 °C in London, United Kingdom and 9 °C in Oslo, Norway.",
        ),
        (
            ["London", "Oslo"],
            "which is drier tomorrow",
            "There is hardly a difference: 80 % chance of rain in London, ",
        ),
        ([], "is it warmer in Rome?", "Rome, Italy: cloudy, 21 °C"),
    ],
)
def test_cities_are_compared(
    talk: Conversation, meteo: OpenMeteoServer, before: list[str], message: str, answer: str
) -> None:
    meteo.weather["Rome"] = Sky(temperature=21, feels_like=21, wind=30)
    for earlier in before:
        talk.says(earlier)
    assert talk.says(message).startswith(answer)


def test_a_comparison_goes_on_tomorrow(offline: Conversation) -> None:
    offline.says("Paris and Oslo")
    assert offline.says("which is warmer?") == (
        "Paris, France is usually warmer in November: 11 °C by day, against 4 °C in Oslo, Norway. "
        "(Typical for the time of year, not live.)"
    )
    assert offline.says("and this weekend?").startswith("For Paris, France and Oslo, Norway I have no more")
    assert offline.says("and windier?").startswith("I have no typical values for the wind.")


def test_a_misspelled_city_is_guessed_and_asked_back(talk: Conversation) -> None:
    assert talk.says("weather in pariss tomorrow") == "I don't know a place called “pariss”. Did you mean Paris?"
    assert talk.says("yes please").startswith("Paris, France, tomorrow")


def test_every_question_of_a_message_is_answered(talk: Conversation) -> None:
    first, second = talk.says("Is it windy in Oslo and what time is it in Rome?").split("\n\n")
    assert first.startswith("Only a light wind. Oslo, Norway")
    assert second.startswith("It's 10:30 on Friday, 20 November. Rome, Italy")
    assert len(talk.says("Weather in London? And tomorrow?").split("\n\n")) == 2
    assert len(talk.says("Is it warm and is it dry in Rome?").split("\n\n")) == 1


def test_a_correction_takes_the_question_over(talk: Conversation) -> None:
    talk.says("will it rain in Oslo tomorrow")
    assert talk.says("no, I meant Rome").startswith("Yes, rain is likely. Rome, Italy, tomorrow")


def test_an_unknown_city_comes_with_a_hint(talk: Conversation) -> None:
    assert talk.says("Weather in Atlantis") == (
        "I don't know a place called “Atlantis”. Check the spelling, or add its country or state, as in “Paris, Texas”."
    )


def test_namesakes_are_told_apart(talk: Conversation) -> None:
    assert talk.says("Weather in Paris").startswith("Paris, France: ")
    assert talk.says("Weather in Paris, Texas").startswith("Paris, Texas, United States: ")


def test_without_a_city_one_is_asked_for(talk: Conversation) -> None:
    assert talk.says("What's the weather?") == "Gladly! Which city would you like the weather for?"
    assert talk.says("will it rain here?") == "I can't see where you are. Which city are you in?"
    assert talk.says("I'm in Bergen").startswith("No, it looks dry. Bergen, Norway: ")


def test_what_is_out_of_reach_is_said_kindly(talk: Conversation) -> None:
    assert talk.says("London yesterday").startswith("I can't look back, only ahead")
    assert talk.says("London in two weeks") == (
        "That is further ahead than I can see: my forecasts reach 7 days. "
        "But I know what is typical of a month: ask me for “London in July”, for example."
    )
    assert talk.says("London on 25 December") == (
        "My forecast for London, United Kingdom reaches only until Friday, 27 November. "
        "Ask me about a day until then. Or ask me what December is like there."
    )
    assert talk.says("10-day forecast for London").endswith("My forecast reaches 7 days ahead.")
    assert not talk.says("7-day forecast for London").endswith("My forecast reaches 7 days ahead.")


def test_a_month_is_told_as_typical(talk: Conversation) -> None:
    assert talk.says("Rome in July") == (
        "Rome, Italy in July usually has 31 °C by day and 18 °C at night, with rain on about 2 of 31 days. "
        "It's hot: drink plenty of water. That is what is typical, not a forecast."
    )
    assert talk.says("and in December?").startswith("Rome, Italy in December usually has ")


def test_without_a_network_the_reply_says_that_it_is_typical_and_not_live(offline: Conversation) -> None:
    assert offline.says("Weather in London?") == (
        "I can't reach the live weather right now, so here is what is typical for the time of year. "
        "London, United Kingdom in November usually has 11 °C by day and 5 °C at night, "
        "with rain on about 11 of 30 days. Take a coat, and perhaps an umbrella. "
        "Ask me again in a moment for the live weather."
    )
    assert offline.says("should I take an umbrella?") == (
        "An umbrella wouldn't hurt. London, United Kingdom in November usually has 11 °C by day and 5 °C at night, "
        "with rain on about 11 of 30 days. Take a coat. (Typical for the time of year, not live.)"
    )
    assert offline.says("is that live?").startswith("Not live: those are typical values of the month")


def test_without_a_network_the_same_is_not_told_twice(offline: Conversation) -> None:
    offline.says("Weather in London?")
    assert offline.says("And tomorrow?") == (
        "For London, United Kingdom I have no more than what is typical for the time of year, "
        "until the live weather can be reached again."
    )
    assert offline.says("and in Rome?").startswith("Rome, Italy in November usually has")


def test_without_a_network_it_is_said_once_for_all_cities(offline: Conversation) -> None:
    paragraphs = offline.says("Weather in London and Oslo").split("\n\n")
    assert len(paragraphs) == 4
    assert sum("typical" in paragraph for paragraph in paragraphs) == 1
    assert "rain or snow on about 10 of 30 days" in paragraphs[2]


def test_without_a_network_questions_are_still_answered(offline: Conversation) -> None:
    assert "You will hardly need an umbrella." in offline.says("do I need an umbrella in Dubai?")
    assert "Snow is possible then." in offline.says("will it snow in Oslo tomorrow?")
    assert "Snow is unlikely then." in offline.says("will it snow in Dubai on Sunday?")
    assert "Light clothes will do." in offline.says("what should I wear in Dubai next week in fahrenheit")
    assert "hardly any rain" in offline.says("Weather in Lima in January in celsius")
    assert "It's 19:30 on Friday, 20 November." in offline.says("what time is it in Tokyo")


def test_without_a_network_other_cities_cannot_be_looked_up(offline: Conversation) -> None:
    assert offline.says("Weather in Bergen").startswith("I can't look up “Bergen” right now: ")
    assert offline.says("Weather in Paris, Texas").startswith("I can't look up “Paris, Texas” right now: ")


def test_without_a_network_a_day_beyond_the_forecast_is_not_made_up(offline: Conversation) -> None:
    assert offline.says("London on 25 December").startswith(
        "My forecast for London, United Kingdom reaches only until "
    )


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("hi there", "Hello! "),
        ("good morning", "Hello! "),
        ("morning!", "Hello! "),
        ("thank you", "You're welcome! "),
        ("goodbye", "Goodbye, and have a nice day!"),
        ("how are you?", "I'm fine, thank you! "),
        ("help", "I'm the weather assistant. "),
        ("What can you do?", "I'm the weather assistant. "),
        ("who are you", "I'm the weather assistant. "),
        ("ok", "All right! "),
        ("you are great", "That's kind of you, thank you!"),
        ("tell me a joke", "I'm afraid I only know the weather: "),
        ("What is the capital of France?", "I'm afraid I only know the weather: "),
        ("", "I'm here to tell you about the weather. "),
        ("🙂", "I'm here to tell you about the weather. "),
        ("which cities did I ask about", "You haven't asked me about a city yet. "),
    ],
)
def test_small_talk(talk: Conversation, message: str, start: str) -> None:
    assert talk.says(message).startswith(start)
    assert talk.called == []


def test_a_greeting_within_a_conversation_knows_it(talk: Conversation) -> None:
    talk.says("I'm Ada")
    assert talk.says("hello").startswith("Hello again, Ada! ")


BROKEN = (
    "Error: get_current_weather timed out",
    "",
    "null",
    "[]",
    "{}",
    '{"live": true}',
    '{"days": [{}], "today": "x", "units": {}}',
    '{"error": "x"}',
    '{"typical": 3}',
)


@pytest.mark.parametrize("content", BROKEN)
def test_a_tool_that_failed_is_told_kindly(content: str) -> None:
    answer = reply(Ask("Weather in London?", (), [ToolResult("get_current_weather", {"city": "London"}, content)]))
    assert answer == SORRY


def test_what_the_service_does_not_know_is_not_read_out(talk: Conversation, meteo: OpenMeteoServer) -> None:
    empty = {name: [None] * 8 for name in Daily.asked() if not name.startswith("temperature")}
    meteo.weather["London"] = Sky(feels_like=None, humidity=None, code=None, wind=None, gusts=None, days=empty)
    for message in ("London", "London this week", "is it windy, humid or wet in London", "sunset in London tomorrow"):
        answer = talk.says(message)
        assert "None" not in answer
        assert "London, United Kingdom" in answer
        assert ", ," not in answer
        assert "  " not in answer


def test_half_a_degree_below_zero_is_zero(talk: Conversation, meteo: OpenMeteoServer) -> None:
    meteo.weather["Oslo"] = Sky(temperature=-0.4, feels_like=-0.2)
    assert "Oslo, Norway: cloudy, 0 °C, wind" in talk.says("Oslo")


def test_a_name_from_outside_brings_no_markup(talk: Conversation) -> None:
    answer = talk.says("weather in [click](javascript:alert(1)) **Xyzzy** <img src=x>")
    assert not set(answer) & set("[]<>*`")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(max_size=200))
def test_any_message_has_a_reply(offline: Conversation, message: str) -> None:
    offline.history = offline.history[-6:]
    answer = offline.says(message)
    assert answer
    assert "None" not in answer.replace(message, "")


WORDS = (
    *("weather", "in", "to", "of", "and", "London", "Rome", "Atlantis", "Paris", ",", "Texas", "tomorrow", "next", "3"),
    *("days", "rain", "umbrella", "my", "name", "is", "Ada", "what", "about", "fahrenheit", "friday", "weekend"),
    *("july", "hello", "thanks", "?", "."),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), min_size=1, max_size=4))
def test_any_conversation_goes_on(offline: Conversation, messages: list[str]) -> None:
    offline.history = []
    for message in messages:
        answer = offline.says(message)
        assert answer
        assert "None" not in answer
        assert not answer.endswith(" ")
