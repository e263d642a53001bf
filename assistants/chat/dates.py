"""Questions of date and time, answered from the calendar. All times are UTC: nothing is known of where somebody is."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from assistants.chat.phrases import any_of, plain

_MONTHS: Final = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(rf"\b{_DAY} (?:of )?(?P<month>{_MONTH})\b\.?(?:,? (?P<year>\d{{4}}))?"),
    re.compile(rf"\b(?P<month>{_MONTH})\b\.? {_DAY}\b(?:,? (?P<year>\d{{4}}))?"),
)
_FEASTS: Final = {
    "christmas eve": (12, 24),
    "christmas": (12, 25),
    "new year's eve": (12, 31),
    "new year's day": (1, 1),
    "new year": (1, 1),
    "the end of the year": (12, 31),
    "valentine's day": (2, 14),
    "halloween": (10, 31),
}
_NEAR: Final = {"the day after tomorrow": 2, "the day before yesterday": -2, "tomorrow": 1, "yesterday": -1, "today": 0}

_TIME = any_of(r"what(?:'s| is)? (?:the )?(?:current )?time\b", r"current time\b", r"(?:have|tell me) the time\b")
_TODAY = any_of(
    r"what(?:'s| is)? (?:the |today's )?(?:current )?date\b",
    r"(?:today's|current|tell me the) date\b",
    r"(?:what|which) (?:day|weekday) (?:is|was|will|of the week)\b",
    r"what(?:'s| is) (?:today\b|the day\b)",
    r"what weekday\b",
)
_PART = any_of(r"(?:what|which) (?P<part>year|month|week) (?:is it|are we in|is this)\b")
_HOW_LONG = any_of(r"how (?:many (?:days|weeks|months)|long)\b.*?\b(?:until|till|to|before|since|ago)\b")
_LEAP = re.compile(r"\b(?P<year>\d{4})\b.*\bleap year\b|\bleap year\b.*\b(?P<other>\d{4})\b")
_PLACE = re.compile(r"\btime (?:is it )?(?:now )?in (?P<place>[^?.!]{2,40})")


def answer(message: str, now_ms: int) -> str | None:
    """The answer to a question of the calendar at ``now_ms``, or None where it is none."""
    text = plain(message)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if found := _LEAP.search(text):
        return _leap_year(int(found["year"] or found["other"]))
    if _HOW_LONG.search(text):
        return _distance(text, now.date())
    if place := _PLACE.search(text):
        where = place["place"].title()
        return f"I only know the time in UTC, where it is **{now:%H:%M}** now; I can't tell what that makes in {where}."
    if _TIME.search(text):
        return f"It is **{now:%H:%M} UTC** on {_day(now.date())}."
    if found := _PART.search(text):
        told = {
            "year": f"{now.year}",
            "month": f"{now:%B %Y}",
            "week": f"week {now.isocalendar().week} of {now.isocalendar().year}",
        }
        return f"It is **{told[found['part']]}**."
    if _TODAY.search(text):
        return _weekday(text, now.date())
    return None


def _leap_year(year: int) -> str:
    if year == 0:
        return "There was no year 0: after 1 BC came 1 AD."
    if calendar.isleap(year):
        return f"Yes, **{year}** is a leap year: its February has 29 days."
    after = next(later for later in range(year, year + 9) if calendar.isleap(later)) if year < 9990 else None
    return f"No, **{year}** is not a leap year." + (f" The next one after it is {after}." if after else "")


def _weekday(text: str, today: date) -> str:
    for words, away in _NEAR.items():
        if words in text and away:
            verb = "is" if away > 0 else "was"
            return f"{words.capitalize()} {verb} **{_day(today + timedelta(away))}**."
    asked = _named_date(text, today, forwards=True)
    if isinstance(asked, str):
        return asked
    if asked is None or asked == today:
        return f"Today is **{_day(today)}**."
    return f"{asked.day} {asked:%B} {asked.year} {'is' if asked > today else 'was'} a **{asked:%A}**."


def _distance(text: str, today: date) -> str | None:
    forwards = not re.search(r"\b(?:since|ago)\b", text)
    asked = _named_date(text, today, forwards=forwards)
    if asked is None or isinstance(asked, str):
        return asked
    days = (asked - today).days
    if days == 0:
        return f"That is today, {_day(today)}!"
    away = abs(days)
    weeks = f" ({away // 7:,} weeks{f' and {_days(away % 7)}' if away % 7 else ''})" if away >= 14 else ""
    if days > 0:
        return f"**{_days(away)}**{weeks}: {_day(asked)} is still ahead of us."
    return f"**{_days(away)}**{weeks} have gone by since {_day(asked)}."


def _named_date(text: str, today: date, *, forwards: bool) -> date | str | None:
    """The date that is named; a sentence where there is no such day; None where none is named. A date without a year is
    the next one, or the last one when not ``forwards``."""
    for feast, (month, day) in _FEASTS.items():
        if feast in text:
            return _nearest(month, day, today, forwards=forwards)
    for pattern in _DATES:
        if found := pattern.search(text):
            named = found["month"]
            month = int(named) if named.isdigit() else _MONTHS[named]
            day = int(found["day"])
            try:
                if found["year"]:
                    return date(int(found["year"]), month, day)
                return _nearest(month, day, today, forwards=forwards)
            except ValueError:
                return "There is no such day in the calendar."
    return None


def _nearest(month: int, day: int, today: date, *, forwards: bool) -> date:
    date(2024, month, day)  # raises for 31 June, and not for 29 February
    years = range(today.year, today.year + 9) if forwards else range(today.year, today.year - 9, -1)
    for year in years:
        if (month, day) == (2, 29) and not calendar.isleap(year):
            continue
        candidate = date(year, month, day)
        if candidate >= today if forwards else candidate <= today:
            return candidate
    raise ValueError("no such day in the years around")


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _days(count: int) -> str:
    return f"{count:,} day{'s' if count != 1 else ''}"
