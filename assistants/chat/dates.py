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
_COUNTS: Final = {
    **dict.fromkeys(("a", "an", "one"), 1), "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
    "a hundred": 100, "a thousand": 1000,
}  # fmt: skip
_AWAY: Final = re.compile(
    rf"\b(?P<in>in |after )?(?P<count>\d{{1,6}}|{'|'.join(sorted(_COUNTS, key=len, reverse=True))}) "
    r"(?P<unit>day|week|fortnight|month|year)s?'?(?P<way> ago| before today| from (?:now|today)| later| time)?\b"
)
"""``in 100 days``, ``3 weeks ago``, ``two years from now``."""

_WEEKDAYS: Final = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_ON_WEEKDAY: Final = re.compile(rf"\b(?P<which>next|last|this|coming)? ?(?P<name>{'|'.join(_WEEKDAYS)})\b")
_NEAR: Final = {"the day after tomorrow": 2, "the day before yesterday": -2, "tomorrow": 1, "yesterday": -1, "today": 0}

_TIME = any_of(r"what(?:'s| is)? (?:the )?(?:current )?time\b", r"current time\b", r"(?:have|tell me) the time\b")
_TODAY = any_of(
    r"what(?:'s| is)? (?:the |today's )?(?:current )?date\b",
    r"(?:today's|current|tell me the) date\b",
    r"(?:what|which) (?:day|weekday|date) (?:is|was|will|would|of the week)\b",
    r"what (?:was|will|would) (?:be )?(?:the )?(?:day|date)\b",
    r"when (?:is|was|will)\b.*(?:\bago|\bfrom (?:now|today)|\bin \w+ (?:days?|weeks?|months?|years?))\b",
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
    if shift := _AWAY.search(text):
        return _shifted(shift, today)
    asked = _named_date(text, today, forwards=True)
    if isinstance(asked, str):
        return asked
    if asked is None and (found := _ON_WEEKDAY.search(text)):
        back = found["which"] == "last"
        days = (_WEEKDAYS[found["name"]] - today.weekday() - (not back)) % 7 + (not back)
        that = today + timedelta(days - 7 if back else days)
        return f"{'Last' if back else 'The next'} {that:%A} {'was' if back else 'is'} **{_date(that)}**."
    if asked is None or asked == today:
        return f"Today is **{_day(today)}**."
    return f"{asked.day} {asked:%B} {asked.year} {'is' if asked > today else 'was'} a **{asked:%A}**."


def _shifted(away: re.Match[str], today: date) -> str:
    """The day that is so many days, weeks, months or years away."""
    count = int(away["count"]) if away["count"].isdigit() else _COUNTS[away["count"]]
    back = away["way"] in (" ago", " before today")
    span = f"{count:,} {away['unit']}{'s' if count != 1 else ''}"
    steps = -count if back else count
    try:
        if away["unit"] in ("month", "year"):
            that = _months_away(today, steps * (12 if away["unit"] == "year" else 1))
        else:
            that = today + timedelta(days=steps * {"day": 1, "week": 7, "fortnight": 14}[away["unit"]])
    except (OverflowError, ValueError):
        return "That is beyond my calendar, which goes from the year 1 to 9999."
    return f"{span.capitalize()} ago it was **{_day(that)}**." if back else f"In {span} it will be **{_day(that)}**."


def _months_away(day: date, months: int) -> date:
    """The same day of another month; its last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


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
    return f"**{_days(away)}**{weeks} {'until' if days > 0 else 'since'} {_day(asked)}."


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
    return f"{day:%A}, {_date(day)}"


def _date(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _days(count: int) -> str:
    return f"{count:,} day{'s' if count != 1 else ''}"
