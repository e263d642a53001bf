"""The weather assistant's own rules, for when there is no model: plain words in, plain words out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import orjson

from agent.offline import Answer, Ask, ToolCall, ToolResult
from assistants.weather import phrases
from assistants.weather.advice import join
from assistants.weather.introductions import asks_for_name, introduced, remembered_name
from assistants.weather.places import titled
from assistants.weather.question import WHICH_CITY, Question, remembered_cities, understand
from assistants.weather.reports import Report
from assistants.weather.tokens import keys, tokens
from assistants.weather.vocabulary import FAREWELLS, GREETINGS, NODS, PRAISE, THANKS
from assistants.weather.when import LAST, MONTHS

MONTH_NAMES = {number: name.title() for name, number in MONTHS.items()}

EXAMPLES = "“Weather in London?”, “Will it rain in Rome tomorrow?” or “Oslo this weekend, in Fahrenheit”"


def reply(ask: Ask) -> Answer:
    """The reply to a message, or the look-ups that it needs."""
    question = understand(ask.message, ask.history)
    if question is None:
        return _small_talk(ask)
    name = introduced(tokens(ask.message))
    welcome = f"Nice to meet you, {name}! " if name else ""
    if ask.results:
        return welcome + _tell(ask.results, question)
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


def _tell(results: Sequence[ToolResult], question: Question) -> str:
    return phrases.tell([_report(result.content) for result in results], question)


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
        return _what_was_asked(ask.history)
    if not any(word.is_word for word in words):
        return f"I'm here to tell you about the weather. {WHICH_CITY} are you curious about?"
    if GREETINGS & set(said) or said[:1] == ["good"]:
        back = "Hello again" if ask.history else "Hello"
        return f"{back}{called}! I can tell you the weather anywhere in the world. {WHICH_CITY} are you curious about?"
    if THANKS & set(said):
        return f"You're welcome{called}! Just ask whenever you want to know more."
    if FAREWELLS & set(said):
        return f"Goodbye{called}, and have a nice day!"
    if {"how", "you"} <= set(said) or "how's" in said or said[:2] == ["and", "you"]:
        return f"I'm fine, thank you{called}! {WHICH_CITY} would you like the weather for?"
    if "you" in said and PRAISE & set(said):
        return f"That's kind of you{called}, thank you!"
    if all(word.key in NODS for word in words if word.is_word):
        return f"All right{called}! Name a city whenever you want to know its weather."
    return _help(said)


def _asks_what_was_asked(said: Sequence[str]) -> bool:
    return bool(
        {"i", "we"} & set(said) and {"ask", "asked", "talk", "talked", "said", "mention", "mentioned"} & set(said)
    )


def _what_was_asked(history: Sequence[tuple[str, str]]) -> str:
    cities = remembered_cities(history)
    if not cities:
        return f"You haven't asked me about a city yet. {WHICH_CITY} are you curious about?"
    return f"So far you asked me about {join(cities)}."


def _help(said: Sequence[str]) -> str:
    what = f"what it is like now, what the next {LAST} days will bring, and what is typical of a month"
    pairs = set(pairwise(said))
    if "help" in said or pairs & {("you", "do"), ("can", "you"), ("who", "are"), ("what", "are")}:
        return f"I'm the weather assistant. Name a city, and I tell you {what}. Try {EXAMPLES}."
    return f"I'm afraid I only know the weather: {what}. Try {EXAMPLES}."
