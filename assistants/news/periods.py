"""The time that a message limits its question to: "since Thursday", "last week", "from October". Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from assistants.news.dates import spoken_date

_EVER: Final = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since`` to ``until``, both included. ``said`` is how to speak of it ("since Thursday, 19 November 2026").

    ``recent`` says that it is counted from now ("last week"), so that it limits any question; a mere month may as well
    be what an article speaks of, and limits only a question for news.
    """

    since: date
    until: date
    said: str
    recent: bool = True

    def holds(self, published: str) -> bool:
        """Whether an article was published then; one without a date never was."""
        try:
            return self.since <= date.fromisoformat(published[:10]) <= self.until
        except ValueError:
            return False


def period_in(message: str, today: date) -> tuple[Period | None, str]:
    """The period that ``message`` names, and the message without it."""
    for pattern, read in _READERS:
        for found in pattern.finditer(message):
            try:
                period = read(found, today)
            except (ValueError, OverflowError):
                continue  # 31 June, or a day beyond the calendar
            if period:
                return period, f"{message[: found.start()]} {message[found.end() :]}"
    return None, message


_WEEKDAYS: Final = {name.casefold(): number for number, name in enumerate(calendar.day_name)}
_MONTHS: Final = {name.casefold(): number for number, name in enumerate(calendar.month_name) if name}
_NUMBERS: Final = {
    "couple of": 2,
    "few": 3,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "ten": 10,
}
_DAYS: Final = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}

_WEEKDAY: Final = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})(?: (?P<year>\d{{4}}))?"
_DATE: Final = (
    rf"(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<of>{'|'.join(_MONTHS)})(?: (?P<in>\d{{4}}))?"
    r"|(?P<iso>\d{4}-\d\d-\d\d)"
)
_NEAR: Final = r"(?P<near>yesterday|last (?:week|month|year))"
_NAMED: Final = rf"(?:{_DATE}|(?:last )?(?:{_WEEKDAY}|{_MONTH})|{_NEAR})\b"


def _named(found: re.Match[str], today: date) -> tuple[date, date] | None:
    """The first and the last day of what is named, the latest such time that has begun."""
    parts = found.groupdict()
    if parts.get("iso"):
        return (date.fromisoformat(parts["iso"]),) * 2
    if parts.get("day"):
        day = date(int(parts["in"] or today.year), _MONTHS[parts["of"].casefold()], int(parts["day"]))
        return (day if day <= today or parts["in"] else day.replace(year=day.year - 1),) * 2
    if parts.get("weekday"):
        back = (today.weekday() - _WEEKDAYS[parts["weekday"].casefold()]) % 7 or 7
        return (today - timedelta(back),) * 2
    if parts.get("month"):
        month = _MONTHS[parts["month"].casefold()]
        year = int(parts["year"] or today.year - (month > today.month))
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return _before(parts["near"], today) if parts.get("near") else None


def _before(words: str, today: date) -> tuple[date, date]:
    """Yesterday, or the whole week, month or year before this one."""
    unit = words.casefold().split()[-1]
    if unit == "yesterday":
        return (today - timedelta(1),) * 2
    if unit == "week":
        monday = today - timedelta(today.weekday() + 7)
        return monday, monday + timedelta(6)
    last = today.replace(day=1) - timedelta(1) if unit == "month" else date(today.year - 1, 12, 31)
    return (last.replace(day=1), last) if unit == "month" else (last.replace(month=1, day=1), last)


def _since(found: re.Match[str], today: date) -> Period | None:
    days = _named(found, today)
    if days is None or days[0] > today:
        return None
    return Period(
        days[0], today, f"since {_spoken(days[0], weekday=bool(found['weekday'] or found['near'] == 'yesterday'))}"
    )


def _until(found: re.Match[str], today: date) -> Period | None:
    days = _named(found, today)
    return Period(_EVER, days[0] - timedelta(1), f"before {_spoken(days[0])}", recent=False) if days else None


def _within(found: re.Match[str], today: date) -> Period | None:
    days = _named(found, today)
    if days is None:
        return None
    return Period(
        *days, f"from {_range(*days)}", recent=bool(re.search(r"\b(?:last|yesterday)\b", found[0].casefold()))
    )


def _counted(found: re.Match[str], today: date) -> Period:
    """``the last three days``, ``the past week``."""
    number = found.groupdict().get("number") or "1"
    count = int(number) if number.isdigit() else _NUMBERS[number.casefold()]
    since = today - timedelta(count * _DAYS[found["unit"].casefold()])
    return Period(since, today, f"since {_spoken(since)}")


def _this(found: re.Match[str], today: date) -> Period:
    unit = (found["unit"] or "day").casefold()
    if unit in ("month", "year"):
        since = today.replace(day=1) if unit == "month" else today.replace(month=1, day=1)
        return Period(since, today, f"from this {unit}")
    if unit == "week":
        return Period(today - timedelta(today.weekday()), today, "from this week")
    return Period(today, today, f"from today, {_spoken(today)}")


_UNIT: Final = rf"(?P<unit>{'|'.join(_DAYS)})"
_IN: Final = r"\b(?:(?:in|over|during|of|from|within|for) )?"
_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Period | None]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (rf"\b(?:ever )?since {_NAMED}", _since),
        (rf"\b(?:before|until|till|up to) {_NAMED}", _until),
        (rf"{_IN}(?:the )?(?:last|past|previous) (?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)}) {_UNIT}s?\b", _counted),
        (rf"{_IN}(?:the (?:last|past)|past) {_UNIT}\b", _counted),
        (rf"{_IN}(?:this (?P<unit>week|month|year)|this (?:morning|afternoon|evening)|today)\b", _this),
        (rf"\b(?:in|from|of|during|on|for) {_NAMED}", _within),
        (rf"\b(?:{_NEAR}|last (?:{_WEEKDAY}|{_MONTH}))\b", _within),
    )
)


def _spoken(day: date, *, weekday: bool = False) -> str:
    return f"{day:%A}, {spoken_date(day.isoformat())}" if weekday else spoken_date(day.isoformat())


def _range(since: date, until: date) -> str:
    """``19 November 2026``, ``9 to 15 November 2026``, ``October 2026``."""
    if since == until:
        return _spoken(since, weekday=True)
    last = calendar.monthrange(since.year, since.month)[1]
    if since.day == 1 and until == since.replace(day=last):
        return f"{since:%B} {since.year}"
    if (since.month, since.day, until.month, until.day) == (1, 1, 12, 31):
        return str(since.year)
    begins = str(since.day) if since.month == until.month else f"{since.day} {since:%B}"
    return f"{begins} to {_spoken(until)}"
