"""The weather assistant's own rules, for when there is no model: plain words in, plain words out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import orjson

from agent.offline import Answer, Ask, ToolCall
from agent.questions import one_by_one, questions_of
from assistants.weather import phrases
from assistants.weather.advice import join
from assistants.weather.comparison import compared
from assistants.weather.introductions import asks_for_name, introduced, remembered_name
from assistants.weather.places import titled
from assistants.weather.question import WHICH_CITY, Question, read, remembered_cities, understand
from assistants.weather.reports import Report
from assistants.weather.tokens import keys, tokens
from assistants.weather.vocabulary import FAREWELLS, GREETINGS, NODS, PRAISE, THANKS
from assistants.weather.when import LAST, MONTHS

MONTH_NAMES = {number: name.title() for name, number in MONTHS.items()}

EXAMPLES = "“Weather in London?”, “Will it rain in Rome tomorrow?” or “Oslo this weekend, in Fahrenheit”"


def reply(ask: Ask) -> Answer:
    """The reply to a message, or to each of its questions; or the look-ups that it needs."""
    readings = [read(question) for question in questions_of(ask.message)]
    # «Is it warm and is it dry in Rome?» is one question; «in Rome? And tomorrow?» are two.
    apart = (
        reading.cities or not reading.is_weather or (place and reading.when) for place, reading in enumerate(readings)
    )
    several = one_by_one(ask, _reply) if all(apart) else None
    return _reply(ask) if several is None else several


def _reply(ask: Ask) -> Answer:
    question = understand(ask.message, ask.history)
    if question is None:
        return _small_talk(ask)
    name = introduced(tokens(ask.message))
    welcome = f"Nice to meet you, {name}! " if name else ""
    if ask.results:
        return welcome + _tell(ask, question)
    return _look_up(question) or welcome + _cannot(question)


def _look_up(question: Question) -> list[ToolCall]:
    """The tool calls that answer the question, one a city; none where no tool can."""
    when, unit = question.when, question.unit
    if when.kind in ("past", "far"):
        return []
    calls = []
    for city in question.cities:
        if when.kind == "now":
            calls.append(ToolCall("get_current_weather", {"city": city, "unit": unit}))
        elif when.kind == "month":
            month = MONTH_NAMES[when.month]
            calls.append(ToolCall("get_typical_weather", {"city": city, "month": month, "unit": unit}))
        else:
            calls.append(ToolCall("get_forecast", {"city": city, "days": when.days, "unit": unit}))
    return calls


def _tell(ask: Ask, question: Question) -> str:
    reports = [_report(result.content) for result in ask.results]
    return phrases.tell(reports, question, _last_reply(ask), compared(reports, question))


def _last_reply(ask: Ask) -> str:
    return next((text for role, text in reversed(ask.history) if role == "ai"), "")


def _report(content: str) -> Report:
    """The document that a tool gave back; what isn't one (a tool that failed) is told as an error."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        document = None
    return document if isinstance(document, dict) else {"error": "failed"}


def _cannot(question: Question) -> str:
    if question.when.kind == "past":
        return f"I can't look back, only ahead: I know the weather of now and of the next {LAST} days."
    if question.when.kind == "far":
        typical = f"{titled(question.cities[0]) if question.cities else 'Rome'} in July"
        sight = f"That is further ahead than I can see: my forecasts reach {LAST} days."
        return f"{sight} But I know what is typical of a month: ask me for “{typical}”, for example."
    if question.here:
        return f"I can't see where you are. {WHICH_CITY} are you in?"
    return f"Gladly! {WHICH_CITY} would you like the weather for?"


def _small_talk(ask: Ask) -> str:
    words = tokens(ask.message)
    name = introduced(words)
    said = keys(words)
    known = name or remembered_name(ask.history)
    called = f", {known}" if known else ""
    if name:
        return f"Nice to meet you, {name}! {WHICH_CITY} would you like the weather for?"
    if asks_for_name(said):
        return f"Your name is {known}." if known else "You haven't told me your name yet. What should I call you?"
    if _asks_what_was_asked(said):
        return _what_was_asked(ask.history, said)
    if _asks_for_source(said):
        return _source(_last_reply(ask))
    if not any(word.is_word for word in words):
        return f"I'm here to tell you about the weather. {WHICH_CITY} are you curious about?"
    if GREETINGS & set(said) or said[:1] in (["good"], ["morning"], ["afternoon"], ["evening"]):
        back = "Hello again" if ask.history else "Hello"
        return f"{back}{called}! I can tell you the weather anywhere in the world. {WHICH_CITY} are you curious about?"
    if FAREWELLS & set(said):
        return f"Goodbye{called}, and have a nice day!"
    if THANKS & set(said):
        return f"You're welcome{called}! Just ask whenever you want to know more."
    if {"how", "you"} <= set(said) or "how's" in said or said[:2] == ["and", "you"]:
        return f"I'm fine, thank you{called}! {WHICH_CITY} would you like the weather for?"
    if "you" in said and PRAISE & set(said):
        return f"That's kind of you{called}, thank you!"
    if all(word.key in NODS for word in words if word.is_word):
        return f"All right{called}! Name a city whenever you want to know its weather."
    return _help(said, again=HELP in _last_reply(ask))


def _asks_what_was_asked(said: Sequence[str]) -> bool:
    return bool(
        {"i", "we"} & set(said) and {"ask", "asked", "talk", "talked", "said", "mention", "mentioned"} & set(said)
    )


def _what_was_asked(history: Sequence[tuple[str, str]], said: Sequence[str]) -> str:
    cities = remembered_cities(history)
    if not cities:
        return f"You haven't asked me about a city yet. {WHICH_CITY} are you curious about?"
    if "first" in said:
        return f"The first city that you asked me about was {cities[0]}."
    return f"So far you asked me about {join(cities)}."


def _asks_for_source(said: Sequence[str]) -> bool:
    """«How do you know?», «is that live?», «where is that from?»."""
    pairs = set(pairwise(said))
    return bool(
        {"source", "live", "real-time", "reliable", "accurate"} & set(said)
        or (("you", "know") in pairs and ("how", "do") in pairs)
        or ("where" in said and "from" in said)
    )


def _source(told: str) -> str:
    if phrases.TYPICAL in told.lower():
        return (
            "Not live: those are typical values of the month, from a table of climate normals. I tell them when the "
            "weather service can't be reached."
        )
    return "The live weather and the forecasts come from Open-Meteo, typical months from a table of climate normals."


HELP = "I only know the weather"


def _help(said: Sequence[str], *, again: bool) -> str:
    what = f"what it is like now, what the next {LAST} days will bring, and what is typical of a month"
    pairs = set(pairwise(said))
    if "help" in said or pairs & {("you", "do"), ("can", "you"), ("who", "are"), ("what", "are")}:
        return f"I'm the weather assistant. Name a city, and I tell you {what}. Try {EXAMPLES}."
    if again:
        return f"That's beyond me, too: {HELP}. Name a city, and I'm all yours."
    return f"I'm afraid {HELP}: {what}. Try {EXAMPLES}."
