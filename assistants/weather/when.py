"""Which time a question is about: now, tomorrow, on Friday, this weekend, the next three days, in July."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, Literal

from assistants.weather.tokens import Token, keys
from assistants.weather.wire import FORECAST_DAYS

Kind = Literal["now", "span", "weekdays", "date", "month", "past", "far"]

LAST: Final = FORECAST_DAYS - 1
"""How many days ahead a forecast reaches."""

SATURDAY: Final = 5
SUNDAY: Final = 6

WEEKDAYS: Final = {name.lower(): number for number, name in enumerate(calendar.day_name)}
SHORT_WEEKDAYS: Final = {
    **{name.lower(): number for number, name in enumerate(calendar.day_abbr)},
    "tues": 1,
    "weds": 2,
    "thur": 3,
    "thurs": 3,
}
MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
SHORT_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
AMBIGUOUS_MONTHS: Final = frozenset({"may", "march"})
SEASONS: Final = frozenset({"summer", "winter", "spring", "autumn"})

TOMORROW: Final = frozenset({"tomorrow", "tomorow", "tommorow", "tommorrow", "tmrw", "tmr", "tomorrow's", "2morrow"})
NOW: Final = frozenset({"now", "currently", "today", "today's", "moment", "atm", "morning", "afternoon", "evening"})
NUMBERS: Final = {
    name: number
    for number, name in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=1
    )
} | {"a": 1, "few": 3, "couple": 2, "several": 3}
COMING: Final = frozenset({"next", "coming", "following", "upcoming"})
BEFORE_A_TIME: Final = (
    frozenset(
        {"on", "in", "for", "this", "the", "during", "over", "at", "by", "until", "of", "right", "early", "late", "mid"}
    )
    | COMING
)
"""Words that belong to a time that they stand before."""

TIMES: Final = TOMORROW | frozenset(WEEKDAYS) | {"today", "tonight", "now", "currently"}
"""Words that are a time wherever they stand."""

DAYS: Final = re.compile(r"(\d{1,3})-?days?")
DAY_OF_MONTH: Final = re.compile(r"(\d{1,2})(st|nd|rd|th)?")


@dataclass(frozen=True, slots=True)
class When:
    """A time, as it was said; ``chosen`` finds its days in a forecast.

    span      from ``first`` to ``last`` days ahead (0 is today); ``cut`` where more was asked for than there is
    weekdays  the coming days of these numbers (Monday is 0); ``after`` is the least number of days ahead
    date      a ``day`` of a ``month`` of a ``year``; 0: whichever comes first
    month     the typical ``month``
    past, far before today, or further ahead than a forecast reaches
    """

    kind: Kind
    first: int = 0
    last: int = 0
    weekdays: tuple[int, ...] = ()
    after: int = 0
    day: int = 0
    month: int = 0
    year: int = 0
    cut: bool = False
    tonight: bool = False

    @property
    def days(self) -> int:
        """How many days of forecast, from today on, are needed to answer."""
        return min(self.last + 1, FORECAST_DAYS) if self.kind == "span" else FORECAST_DAYS

    def chosen(self, days: Sequence[dict[str, Any]], today: date) -> list[dict[str, Any]]:
        """The days of a forecast that are meant; none where it doesn't reach that far."""
        ahead = {(date.fromisoformat(day["date"]) - today).days: day for day in days}
        if self.kind == "span":
            return [day for n, day in ahead.items() if self.first <= n <= self.last]
        if self.kind == "date":
            return [day for n, day in ahead.items() if self._is_date(today + timedelta(days=n))][:1]
        return [ahead[n] for n in self._weekdays_ahead(today) if n in ahead]

    def _is_date(self, that: date) -> bool:
        return that.day == self.day and self.month in (0, that.month) and self.year in (0, that.year)

    def _weekdays_ahead(self, today: date) -> list[int]:
        if set(self.weekdays) == {SATURDAY, SUNDAY}:
            # A weekend that has begun is this weekend, as far as it is left.
            if today.weekday() == SUNDAY and not self.after:
                return [0]
            start = (SATURDAY - today.weekday()) % 7
            if start == 0 and self.after:
                start = 7
            return [start, start + 1]
        return sorted((number - today.weekday() - self.after) % 7 + self.after for number in self.weekdays)


PRESENT: Final = When("now")
PAST: Final = When("past")
FAR: Final = When("far")


def parse(words: Sequence[Token]) -> When | None:
    """The time that is spoken of, or None. The words that say it are marked as used."""
    for rule in (_past, _tomorrow, _weekend, _number_of_days, _week, _date, _weekday, _month, _far, _now):
        when = rule(words)
        if when is not None:
            for word in words:
                word.used = word.used or word.key in TIMES
            return when
    return None


def _past(words: Sequence[Token]) -> When | None:
    for index, key in enumerate(keys(words)):
        if key in ("yesterday", "yesterday's", "ago"):
            return _use(words, index, 1, PAST)
        spans = {"night", "week", "weekend", "month", "year", "summer", "winter", *WEEKDAYS}
        if key == "last" and _at(words, index + 1) in spans:
            return _use(words, index, 2, PAST)
    return None


def _tomorrow(words: Sequence[Token]) -> When | None:
    said = keys(words)
    index = next((i for i, key in enumerate(said) if key in TOMORROW), None)
    if index is None:
        after = next((i for i, pair in enumerate(pairwise(said)) if pair == ("day", "after")), None)
        return None if after is None else _use(words, after, 2, When("span", 2, 2))
    if index >= 2 and said[index - 2 : index] == ["day", "after"]:
        return _use(words, index - 2, 3, When("span", 2, 2))
    today = next((i for i, key in enumerate(said) if key == "today"), None)
    if today is not None:
        _use(words, today, 1, PRESENT)
    return _use(words, index, 1, When("span", 0 if today is not None else 1, 1))


def _weekend(words: Sequence[Token]) -> When | None:
    for index, key in enumerate(keys(words)):
        if key in ("weekend", "weekends", "weekend's"):
            after = 1 if _at(words, index - 1) == "next" else 0
            return _use(words, index, 1, When("weekdays", weekdays=(SATURDAY, SUNDAY), after=after))
    return None


def _number_of_days(words: Sequence[Token]) -> When | None:
    """``next 3 days``, ``in 3 days``, ``3-day forecast``, ``a couple of days``."""
    for index, key in enumerate(keys(words)):
        together = DAYS.fullmatch(key)
        if together:
            return _use(words, index, 1, _span(0, int(together[1]) - 1))
        count = _count(key)
        if count is None:
            continue
        length = 3 if _at(words, index + 1) == "of" else 2
        if _at(words, index + length - 1) not in ("day", "days"):
            continue
        if key == "a" and _at(words, index - 1) != "in":
            continue
        start = index - 1 if _at(words, index - 1) == "a" else index
        before = _at(words, start - 1)
        if before == "in" or _at(words, index + length) == "from":
            return _use(words, start, length + index - start, _span(count, count))
        first = 1 if before in COMING else 0
        return _use(words, start, length + index - start, _span(first, first + count - 1))
    return None


def _week(words: Sequence[Token]) -> When | None:
    for index, key in enumerate(keys(words)):
        counted = 1 if _count(_at(words, index - 1)) is not None else 0
        if key in ("weeks", "fortnight"):
            return _use(words, index - counted, 1 + counted, FAR)
        if key in ("hours", "hour"):
            return _use(words, index - counted, 1 + counted, PRESENT)
        if key not in ("week", "weekly", "week's"):
            continue
        before = _at(words, index - 1)
        if before in COMING:
            return _use(words, index, 1, When("span", 1, LAST))
        if before == "a" and _at(words, index - 2) == "in":
            return _use(words, index - 1, 2, When("span", LAST, LAST))
        return _use(words, index, 1, When("span", 0, LAST - 1))
    return None


def _date(words: Sequence[Token]) -> When | None:
    """``2026-11-25``, ``25 November``, ``November 25th``, ``on the 25th``."""
    for index, token in enumerate(words):
        iso = _iso(token.key)
        if iso is not None:
            return _use(words, index, 1, When("date", day=iso.day, month=iso.month, year=iso.year))
        match = DAY_OF_MONTH.fullmatch(token.key)
        if match is None or not 1 <= int(match[1]) <= 31:
            continue
        day = int(match[1])
        after = index + 2 if _at(words, index + 1) == "of" else index + 1
        if (month := _any_month(_at(words, after))) is not None:
            return _use(words, index, after - index + 1, When("date", day=day, month=month))
        if (month := _any_month(_at(words, index - 1))) is not None:
            return _use(words, index - 1, 2, When("date", day=day, month=month))
        if match[2] and _at(words, index - 1) == "the":
            return _use(words, index, 1, When("date", day=day))
    return None


def _weekday(words: Sequence[Token]) -> When | None:
    numbers = []
    after = 0
    for index, key in enumerate(keys(words)):
        before = _at(words, index - 1)
        number = WEEKDAYS.get(key.removesuffix("'s"))
        if number is None and before in {"on", "this", *COMING}:
            number = SHORT_WEEKDAYS.get(key)
        if number is not None:
            numbers.append(number)
            after = 1 if before in COMING else after
            _use(words, index, 1, PRESENT)
    return When("weekdays", weekdays=tuple(dict.fromkeys(numbers)), after=after) if numbers else None


def _month(words: Sequence[Token]) -> When | None:
    for index, key in enumerate(keys(words)):
        number = MONTHS.get(key)
        before = _at(words, index - 1)
        introduced = before in BEFORE_A_TIME
        if number is None and introduced:
            number = SHORT_MONTHS.get(key)
        if number is not None and (introduced or key not in AMBIGUOUS_MONTHS):
            return _use(words, index, 1, When("month", month=number))
    return None


def _far(words: Sequence[Token]) -> When | None:
    for index, key in enumerate(keys(words)):
        is_year = len(key) == 4 and key.isdigit() and _at(words, index - 1) == "in"
        if is_year or key in SEASONS or (key in ("month", "year") and _at(words, index - 1) in {*COMING, "this", "a"}):
            return _use(words, index, 1, FAR)
    return None


def _now(words: Sequence[Token]) -> When | None:
    found: When | None = None
    for index, key in enumerate(keys(words)):
        if key == "tonight":
            return _use(words, index, 1, When("span", 0, 0, tonight=True))
        if key in NOW and not (key in ("morning", "afternoon", "evening") and _at(words, index - 1) == "good"):
            found = _use(words, index, 1, PRESENT)
    return found


def _span(first: int, last: int) -> When:
    """A span as far as a forecast reaches; one that begins beyond is too far."""
    return FAR if first > LAST else When("span", max(first, 0), min(max(last, 0), LAST), cut=last > LAST)


def _count(key: str) -> int | None:
    return int(key) if key.isascii() and key.isdigit() and len(key) <= 3 else NUMBERS.get(key)


def _any_month(key: str) -> int | None:
    return MONTHS.get(key) or SHORT_MONTHS.get(key)


def _iso(key: str) -> date | None:
    try:
        return date.fromisoformat(key) if len(key) == len("2026-11-25") else None
    except ValueError:
        return None


def _at(words: Sequence[Token], index: int) -> str:
    return words[index].key if 0 <= index < len(words) else ""


def _use(words: Sequence[Token], start: int, count: int, when: When) -> When:
    """Mark these words, and the small ones before them that belong to the time, as used."""
    for word in words[start : start + count]:
        word.used = True
    index = start - 1
    while index >= 0 and words[index].key in BEFORE_A_TIME:
        words[index].used = True
        index -= 1
    return when
