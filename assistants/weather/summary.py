"""What a talk about the weather comes to: who asked, and for which cities. Plain sentences that can be read back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.offline import Answer, Ask, Rules
from assistants.weather.introductions import remembered_name
from assistants.weather.question import latest_cities
from memory import Turn
from memory.summary import cut, extract

MOST_CITIES: Final = 8
"""Cities that are remembered, the newest."""

_WRITTEN: Final = re.compile(
    r"(?:The user is called (?P<name>[^.\n]+)\.)? ?(?:Asked for the weather in (?P<cities>.+)\.)?"
)


def summarise(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
    """``The user is called Ada. Asked for the weather in London; Rome.``, or how the talk went where it was of neither.

    A text that a model wrote is kept, with the talk behind it.
    """
    heard = heard_earlier(previous)
    said = [part for turn in turns for part in (("human", turn.message), ("ai", turn.response))]
    name, cities = remembered_name([*heard, *said]), latest_cities([*heard, *said])[-MOST_CITIES:]
    by_model = not heard and any(not line.startswith("- ") for line in previous.splitlines())
    if by_model or not (name or cities):
        return extract(previous, turns, limit)
    called = f"The user is called {name}." if name else ""
    while cities:
        text = f"{called} Asked for the weather in {'; '.join(cities)}.".strip()
        if len(text.encode()) <= limit:
            return text
        del cities[0]
    return cut(called, limit)


def heard_earlier(earlier: str) -> list[tuple[str, str]]:
    """The sentences that ``summarise`` wrote, as if the user had said it all (role and text); none of other texts."""
    found = _WRITTEN.fullmatch(earlier.strip()) if earlier else None
    if found is None:
        return []
    said = [f"My name is {found['name']}"] if found["name"] else []
    said += [f"Weather in {city}?" for city in (found["cities"] or "").split("; ") if city]
    return [part for text in said for part in (("human", text), ("ai", "It was told."))]


def remembering(rules: Rules) -> Rules:
    """The rules, for which the talk begins with what was said earlier."""

    def reply(ask: Ask) -> Answer:
        heard = heard_earlier(ask.turn.earlier) if ask.turn else []
        return rules(replace(ask, history=(*heard, *ask.history)) if heard else ask)

    return reply
