"""Questions about the people who were listed a moment ago: their numbers, their hours, who of them is nearest."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from assistants.junkjet.words import Words, any_of

_LINE: Final = re.compile(
    r"^\d+\. \*\*(?P<name>[^*\n]+)\*\* \((?P<kind>[^,\n]+), (?P<place>[^\n]+?), (?P<km>[\d.]+) km[^)\n]*\): "
    r"(?P<phone>\+[\d ]+), (?P<hours>[^\n]+)$",
    re.MULTILINE,
)
_DAYS: Final = tuple(calendar.day_abbr)
_WEEKDAYS: Final = {
    form: number for number, name in enumerate(calendar.day_name) for form in (name.lower(), f"{name.lower()}s")
}
_ORDINALS: Final = {"first": 0, "second": 1, "third": 2, "last": -1, "1st": 0, "2nd": 1, "3rd": 2}
_POINTING: Final = any_of("they them their it its those these that he she one ones which both")
_PHONE: Final = any_of("phone number numbers call contact telephone mobile ring reach")
_OPEN: Final = any_of("open opening opens close closes closed hours when")
_NEAR: Final = any_of("closest nearest nearer closer far distance")
_SHORT: Final = 3
"""Words of a question that needs nothing to point with: "phone number?"."""


@dataclass(frozen=True, slots=True)
class Person:
    """A line of a list, as it was told."""

    name: str
    place: str
    km: float
    phone: str
    hours: str

    def opens_on(self, day: int) -> bool:
        """Whether the hours (``Tue–Sun 8:30–17:30``) are on this day of the week (Monday is 0)."""
        first, _, last = self.hours.split(" ")[0].partition("–")
        return _DAYS.index(first) <= day <= _DAYS.index(last or first)


def listed_in(text: str) -> list[Person]:
    """Everybody who is listed in a reply."""
    return [
        Person(found["name"], found["place"], float(found["km"]), found["phone"], found["hours"])
        for found in _LINE.finditer(text)
    ]


def listed_lately(history: Sequence[tuple[str, str]]) -> list[Person]:
    """Everybody of the newest list that is still in sight."""
    return next((people for role, text in reversed(history) if role == "ai" and (people := listed_in(text))), [])


def about_listed(message: str, history: Sequence[tuple[str, str]]) -> str | None:
    """The answer to a question about them; None where it asks nothing of the kind, or nobody was listed lately."""
    words = Words.of(message)
    said = set(words.spoken)
    people = listed_lately(history)
    ordinal = next((_ORDINALS[word] for word in words.spoken if word in _ORDINALS), None)
    if not people or (ordinal is None and not said & _POINTING and len(words.spoken) > _SHORT):
        return None
    if ordinal is not None:
        if not -len(people) <= ordinal < len(people):
            return f"I listed only {len(people)}. Which one do you mean?"
        people = [people[ordinal]]
    day = next((_WEEKDAYS[word] for word in words.spoken if word in _WEEKDAYS), None)
    if said & _PHONE:
        return _lines(people, lambda person: person.phone)
    if said & _OPEN and not said & {"will", "should"}:
        return _lines(people, lambda person: person.hours) if day is None else _on(people, day)
    if said & _NEAR:
        nearest = min(people, key=lambda person: person.km)
        return f"The nearest is **{nearest.name}** in {nearest.place}, {nearest.km:g} km away: {nearest.phone}."
    if "where" in said or "address" in said:
        return _lines(people, lambda person: f"{person.place}, {person.km:g} km away")
    return None


def _on(people: Sequence[Person], day: int) -> str:
    if len(people) == 1:
        return f"{'Yes' if people[0].opens_on(day) else 'No'}: **{people[0].name}** is open {people[0].hours}."
    open_ = [person for person in people if person.opens_on(day)]
    if not open_:
        return f"None of them is open on {calendar.day_name[day]}."
    return f"Open on {calendar.day_name[day]}:\n" + "\n".join(
        f"- **{person.name}**: {person.hours}" for person in open_
    )


def _lines(people: Sequence[Person], told: Callable[[Person], str]) -> str:
    if len(people) == 1:
        return f"**{people[0].name}**: {told(people[0])}."
    return "\n".join(f"- **{person.name}**: {told(person)}" for person in people)
