"""What a person wants to know: which cities, which time, which unit, and what of the weather.

A conversation is read from its beginning, since «and in Rome?» means the time that was asked for before, and «and
tomorrow?» the city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from assistants.weather.cities import cities
from assistants.weather.introductions import introduced
from assistants.weather.places import titled
from assistants.weather.tokens import Token, keys, tokens
from assistants.weather.vocabulary import COMMON, COMPARISONS, NODS, THANKS, TOPICS, TRAVEL, WEATHER, listed
from assistants.weather.when import PRESENT, When, parse

WHICH_CITY: Final = "Which city"
"""How the question for a city begins; a reply to it may be the city alone."""

UNKNOWN_CITY: Final = "I don't know a place called"
"""How it begins to be said that a city is unknown; it is not asked for again by «and tomorrow?»."""

NOT_LOOKED_UP: Final = "I can't look up"
"""How it begins to be said that a city may be unknown, since nobody could be asked."""

DID_YOU_MEAN: Final = "Did you mean"
"""How a city is offered in place of an unknown one; «yes» takes it."""

FAHRENHEIT: Final = frozenset({"fahrenheit", "farenheit", "°f", "imperial", "mph"})
CELSIUS: Final = frozenset({"celsius", "celcius", "centigrade", "°c", "metric", "kmh"})
ANSWERS: Final = listed(
    """
    in the for it's i'm i am please from at city of near to ok okay yes sure maybe and then thanks let's say how about
    try well um hmm
    """
)
"""Common words that a person may wrap a city in who was asked for one: «I'm in Bergen»."""

LEADING: Final = listed(
    "and or also what how about for in the then now please same with no sorry i meant mean actually not rather instead"
)
"""Words of a follow-up besides the city: «and in Bergen?», «no, I meant Bergen»."""

_GOOD_DAY: Final = listed("good morning afternoon evening day")

AGREEING: Final = listed("yes yep yeah yup sure ok okay right correct exactly please i do did meant that it")

SHORT: Final = 6
"""Words of a message that may be no more than a follow-up: «and tomorrow, please?»."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says by itself. ``is_weather``: it asks for the weather; ``follows``: it leans on what was said.

    ``here``: the weather of wherever the person is, which we can't see. ``compare``: by what cities are compared
    (``warm``, ``cold``, ``wet``, ``dry``, ``wind``), or nothing.
    """

    cities: tuple[str, ...]
    when: When | None
    unit: str
    about: frozenset[str]
    is_weather: bool
    follows: bool
    here: bool
    compare: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the weather, with what it left unsaid filled in from the conversation."""

    cities: tuple[str, ...] = ()
    when: When = PRESENT
    unit: str = "celsius"
    about: frozenset[str] = frozenset()
    here: bool = False
    compare: str = ""


def read(message: str) -> Reading:
    """What ``message`` says by itself."""
    words = tokens(message)
    introduced(words)  # so that «I'm Ada» names no city
    said = keys(words)
    unit = _unit(words)
    when = parse(words)
    about = _about(said)
    named, sure = cities(words)
    follows = _follows(said)
    asks = bool(about) or any(key in WEATHER for key in said) or ("it", "like") in pairwise(said)
    asks = asks and not _only(words, besides=NODS | THANKS)  # «Cool, thanks!»
    if _GOOD_DAY.issuperset(key for key in said if key.isalpha()):
        when = None  # «Morning!» greets
    short = sum(word.is_word for word in words) <= SHORT
    if not asks and named and sure:
        is_about_a_stay = any(key in TRAVEL for key in said) or _asks_how_it_is(said)
        asks = is_about_a_stay or follows or bool(when) or len(named) > 1 or (short and _only(words, named))
    if not asks and named and (when or unit):
        asks = _only(words, named)  # «how is Augusta in August»
    if not asks and (when or unit or follows):
        # «And tomorrow?», «in Fahrenheit, please»; and «and Bergen?», but not «what about your mother?».
        asks = short and (_only(words, named, LEADING) if follows and named else bool(when or unit) and _only(words))
    compare = next((COMPARISONS[key] for key in said if key in COMPARISONS), "")
    return Reading(named if asks else (), when, unit, about, asks, follows, _here(said), compare)


def understand(message: str, history: Sequence[tuple[str, str]]) -> Question | None:
    """The question that ``message`` asks after ``history`` (role and text, oldest first); None where it asks none."""
    return _heard(history).next(message)


def remembered_cities(history: Sequence[tuple[str, str]]) -> list[str]:
    """The cities that were asked for in a conversation, in their order."""
    return list(_heard(history).cities)


def latest_cities(history: Sequence[tuple[str, str]]) -> list[str]:
    """The same, in the order in which they were asked for last."""
    return [titled(city) for city in _heard(history)._latest]


def _heard(history: Sequence[tuple[str, str]]) -> _Conversation:
    so_far = _Conversation()
    for role, text in history:
        so_far.hear(role, text)
    return so_far


class _Conversation:
    """What was asked so far, kept up to date from message to message."""

    def __init__(self) -> None:
        self.question = Question()
        self.asked_for_city = False
        self.suggested = ""
        self.cities: dict[str, None] = {}
        self._latest: list[str] = []
        self._before = Question()

    def hear(self, role: str, text: str) -> None:
        if role == "human":
            self._before = self.question
            self.question = self.next(text) or self.question
            return
        _, _, offered = text.partition(f"{DID_YOU_MEAN} ")
        self.suggested = offered.partition("?")[0]
        if self.suggested:  # «yes» and «and tomorrow?» are about that one
            self.question = replace(self.question, cities=(self.suggested,))
        elif UNKNOWN_CITY in text:
            self.question = replace(self.question, cities=self._before.cities)
        self.asked_for_city = WHICH_CITY in text
        if NOT_LOOKED_UP not in text and not self.suggested:
            self.cities.update((titled(city), None) for city in self.question.cities)
            new = {titled(city): city for city in self.question.cities}
            self._latest = [*(city for city in self._latest if titled(city) not in new), *new.values()]

    def next(self, message: str) -> Question | None:
        """The question that ``message`` asks now; None where it asks none."""
        question, reading = self.question, read(message)
        named = reading.cities
        if not reading.is_weather:
            if self.suggested and _agrees(message):
                return question
            named = _city_alone(message, sure=self.asked_for_city)
            if not named:
                return None
        only_unit = bool(reading.unit) and not reading.about and not reading.when
        leans = reading.follows or only_unit or (self.asked_for_city and bool(named))
        compare = reading.compare or (question.compare if leans and not named else "")
        cities = named or (() if reading.here else question.cities)
        if compare and len(cities) < 2:
            cities = self._with_the_latest(cities)
        return Question(
            cities=cities,
            when=reading.when or (question.when if leans or (compare and not named) else PRESENT),
            unit=reading.unit or question.unit,
            about=reading.about or (question.about if leans else frozenset()),
            here=reading.here,
            compare=compare if len(cities) > 1 else "",
        )

    def _with_the_latest(self, cities: tuple[str, ...]) -> tuple[str, ...]:
        """Two cities to compare, with those that were asked for last: «which of the two?», «is it warmer in Rome?»."""
        known = {titled(city) for city in cities}
        others = [city for city in self._latest if titled(city) not in known]
        return (*others[len(cities) - 2 :], *cities) if others else cities


def _agrees(message: str) -> bool:
    said = [word.key for word in tokens(message) if word.is_word]
    return bool(said) and all(key in AGREEING for key in said)


def _unit(words: Sequence[Token]) -> str:
    unit = ""
    for index, word in enumerate(words):
        before = words[index - 1].key if index else ""
        letter = word.key if before in ("in", "degrees", "degree") and word.key in ("f", "c") else ""
        if word.key in FAHRENHEIT or letter == "f":
            unit = "fahrenheit"
        elif word.key in CELSIUS or letter == "c":
            unit = "celsius"
        else:
            continue
        word.used = True
        for earlier in (index - 1, index - 2):
            if earlier >= 0 and words[earlier].key in ("in", "degrees", "degree", "to", "as"):
                words[earlier].used = True
    return unit


def _about(said: Sequence[str]) -> frozenset[str]:
    topics = {topic for topic, words in TOPICS.items() if any(key in words for key in said)}
    pairs = set(pairwise(said))
    if pairs & {("what", "time"), ("what's", "time"), ("local", "time"), ("the", "time")} and "weather" not in said:
        topics.add("time")
    return frozenset(topics)


def _follows(said: Sequence[str]) -> bool:
    first = [key for key in said if key.isalpha()][:2]
    if {("i", "meant"), ("i", "mean")} & set(pairwise(said)):
        return True  # a correction
    return first[:1] in (["and"], ["also"], ["or"]) or first in (["what", "about"], ["how", "about"], ["same", "for"])


def _asks_how_it_is(said: Sequence[str]) -> bool:
    return not {"it", "it's"}.isdisjoint(said) and not {"how", "how's", "what", "what's", "is", "will"}.isdisjoint(said)


def _here(said: Sequence[str]) -> bool:
    pairs = set(pairwise(said))
    mine = {("my", place) for place in ("city", "town", "area", "place", "location", "home", "house", "region")}
    return bool({"here", "nearby"} & set(said) or pairs & (mine | {("near", "me"), ("around", "me")}))


def _only(words: Sequence[Token], named: tuple[str, ...] = (), besides: frozenset[str] = COMMON) -> bool:
    """Whether a message is times, units, the cities and small words: «London please», «in Rome?»."""
    inside = {part.strip(",") for name in named for part in name.split()}
    return all(word.used or not word.is_word or word.key in besides or word.text in inside for word in words)


def _city_alone(message: str, *, sure: bool) -> tuple[str, ...]:
    """A message that is a city and nothing else: «Bergen», «Bergen, Norway». Surer if a city was asked for."""
    words = tokens(message)
    introduced(words)
    parse(words)
    count = sum(word.is_word for word in words)
    if not 1 <= count <= (6 if sure else 4):
        return ()
    free = [word for word in words if word.is_word and not word.used]
    named, _ = cities(words)
    inside = {part.strip(",") for name in named for part in name.split()}
    strange = {word.key for word in free if word.key in COMMON and word.text not in inside}
    return () if strange and not (sure and strange <= ANSWERS) else named
