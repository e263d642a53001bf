"""The weather in sentences: what a person is told of a report (see ``reports``)."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from assistants.weather.advice import SNOWY, Advice, celsius
from assistants.weather.question import Question
from assistants.weather.reports import Report
from assistants.weather.when import LAST, When

SORRY: Final = "Something went wrong while I looked that up. Please try again in a moment."


TYPICAL: Final = "typical for the time of year"
"""Stands in every reply that tells typical values for live ones."""


def tell(reports: Sequence[Report], question: Question, before: str = "", verdict: str = "") -> str:
    """The reports of one or more cities as an answer to ``question``, a paragraph each; or the ``verdict`` on them.

    ``before`` is the reply before, of which nothing is explained again.
    """
    told = [verdict] if verdict else list(dict.fromkeys(_one(report, question) for report in reports))
    several = len(told) > 1 or any("\n" in part for part in told)
    if any(_tells_months(report, question) for report in reports):
        # Said once, however many cities there are.
        if TYPICAL in before.lower() and all(part in before for part in told):
            places = " and ".join(dict.fromkeys(str(report["place"]) for report in reports if "place" in report))
            return f"For {places} I have no more than what is {TYPICAL}, until the live weather can be reached again."
        if question.when.kind == "month":
            told.append("That is what is typical, not a forecast.")
        elif TYPICAL in before.lower():
            told.append(f"({TYPICAL.capitalize()}, not live.)")
        else:
            told.insert(0, f"I can't reach the live weather right now, so here is what is {TYPICAL}.")
            told.append("Ask me again in a moment for the live weather.")
    return ("\n\n" if several else " ").join(told)


def _one(report: Report, question: Question) -> str:
    if "error" in report:
        return str(report.get("message") or SORRY)
    try:
        if "typical" in report:
            return _typical(report, question)
        return _forecast(report, question.when, question) if "days" in report else _now(report, question)
    except (KeyError, TypeError, ValueError):
        return SORRY  # a document that is not one of ours


def _now(report: Report, question: Question) -> str:
    units = report["units"]
    degrees, speed = units["temperature"], units["wind_speed"]
    sky = [report["conditions"]] if "conditions" in report else []
    temperature = f"{report['temperature']} {degrees}"
    if report.get("feels_like", report["temperature"]) != report["temperature"]:
        temperature += f" (feels like {report['feels_like']} {degrees})"
    wind = [f"wind {report['wind_speed']} {speed}"] if "wind_speed" in report else []
    if "wind" in question.about and report.get("wind_gusts", 0) > report.get("wind_speed", 0):
        wind.append(f"gusts of {report['wind_gusts']} {speed}")
    today = report.get("today")
    advice = Advice.now(report)
    sentences = [
        _lead(question.about, report, advice),
        f"{report['place']}: {', '.join([*sky, temperature, *wind])}.",
        _outlook(today, degrees) if today else "",
        advice.sentence(without=question.about),
    ]
    return _text(sentences)


def _outlook(today: dict[str, Any], degrees: str) -> str:
    return f"Today {_between(today, degrees)}{_chance(today, ' with ')}."


def _lead(about: frozenset[str], report: Report, advice: Advice) -> str:
    """The direct answer to what was asked of the weather."""
    today = report.get("today", {})
    leads = [advice.answer(about)]
    if "wind" in about and "wind_speed" in report:
        leads.append(_wind([report["wind_speed"]], report))
    if "time" in about:
        leads.append(_local_time(report))
    if "sun" in about:
        leads.append(_sun(today))
    if "humidity" in about and "humidity" in report:
        leads.append(f"The humidity is {report['humidity']} %.")
    return _text(leads)


def _local_time(report: Report) -> str:
    day, _, time = str(report["local_time"]).partition("T")
    return f"It's {time} on {_date(date.fromisoformat(day))}."


def _wind(speeds: Sequence[int], report: Report) -> str:
    """How windy it gets, after Beaufort."""
    if not speeds:
        return ""
    strongest = max(speeds) * (1.609 if report["units"]["wind_speed"] == "mph" else 1)
    words = ((20, "Only a light wind."), (39, "There is a fresh breeze."), (62, "It's windy."))
    return next((word for limit, word in words if strongest < limit), "It's stormy, so take care.")


def _sun(day: dict[str, Any]) -> str:
    if "sunrise" in day and "sunset" in day:
        return f"The sun rises at {day['sunrise']} and sets at {day['sunset']}."
    return ""


def _forecast(report: Report, when: When, question: Question) -> str:
    today = date.fromisoformat(report["today"])
    days = when.chosen(report["days"], today)
    if not days:
        last = report["days"][-1]["date"] if report["days"] else report["today"]
        return _too_far(report, date.fromisoformat(last), when)
    degrees = report["units"]["temperature"]
    advice = Advice.days(days, degrees, [_name(day, today) for day in days])
    winds = [day["wind_speed"] for day in days if "wind_speed" in day]
    lead = _text([advice.answer(question.about), _wind(winds, report) if "wind" in question.about else ""])
    closing = advice.sentence(without=question.about)
    if len(days) == 1:
        day = days[0]
        named = "tonight" if when.tonight else _name(day, today, with_date=True)
        sun = _sun(day) if "sun" in question.about else ""
        body = f"{report['place']}, {named}: {_day(day, report, wind=True, night=when.tonight)}."
        return _text([lead, sun, body, closing])
    wind = "wind" in question.about
    lines = [f"- {_upper(_name(day, today, with_date=True))}: {_day(day, report, wind=wind)}" for day in days]
    if "sun" in question.about:
        lines = [f"{line}. {_sun(day)}".rstrip(". ") for line, day in zip(lines, days, strict=True)]
    more = f"My forecast reaches {LAST} days ahead." if when.cut else ""
    return "\n\n".join(
        part for part in (_text([lead, f"{report['place']}:"]), "\n".join(lines), _text([closing, more])) if part
    )


def _too_far(report: Report, last: date, when: When) -> str:
    reach = f"My forecast for {report['place']} reaches only until {_date(last)}."
    month = f" Or ask me what {month_name[when.month]} is like there." if when.month else ""
    return f"{reach} Ask me about a day until then.{month}"


def _day(day: dict[str, Any], report: Report, *, wind: bool = False, night: bool = False) -> str:
    units = report["units"]
    parts = [day["conditions"]] if "conditions" in day else []
    degrees = units["temperature"]
    parts.append(f"down to {day['low']} {degrees}" if night else _between(day, degrees))
    if wind and "wind_speed" in day:
        parts.append(f"wind up to {day['wind_speed']} {units['wind_speed']}")
    chance = _chance(day)
    if chance:
        amount = day.get("precipitation", 0)
        parts.append(f"{chance} ({amount:g} {units['precipitation']})" if amount else chance)
    return ", ".join(parts)


def _between(day: dict[str, Any], degrees: str) -> str:
    if day["low"] == day["high"]:
        return f"around {day['high']} {degrees}"
    return f"{day['low']} to {day['high']} {degrees}"


def _chance(day: dict[str, Any], before: str = "") -> str:
    if "rain_chance" not in day:
        return ""
    what = "snow" if day.get("falling") == "snow" else "rain"
    if day["rain_chance"] == 0:
        return f"{before}no {what} expected" if not before else f"{before}no {what}"
    return f"{before}{_a(day['rain_chance']) if before else ''}{day['rain_chance']} % chance of {what}"


def _a(number: int) -> str:
    return "an " if number in (8, 11, 18) or 80 <= number <= 89 else "a "


def _typical(report: Report, question: Question) -> str:
    degrees = report["units"]["temperature"]
    months = months_meant(report, question.when)
    if not months:
        return _too_far(report, date.fromisoformat(report["today"]) + timedelta(days=LAST), question.when)
    first, *rest = [_month(month, degrees) for month in months]
    sentences = [f"{report['place']} in {first}.", *(f"In {other}." for other in rest)]
    time = _local_time(report) if "time" in question.about else ""
    wind = "I have no typical values for the wind." if "wind" in question.about else ""
    advice = Advice.typical(months, degrees)
    return _text([time, wind, advice.usual(question.about), *sentences, advice.sentence(without=question.about)])


def _tells_months(report: Report, question: Question) -> bool:
    try:
        return "typical" in report and bool(months_meant(report, question.when))
    except (KeyError, TypeError, ValueError):
        return False  # a document that is not one of ours


def months_meant(report: Report, when: When) -> list[dict[str, Any]]:
    """Of the months that a forecast touches, those of the days that were asked for; none for days beyond its reach."""
    if when.kind in ("now", "month"):
        return list(report["typical"])
    today = date.fromisoformat(report["today"])
    week = [{"date": (today + timedelta(days=ahead)).isoformat()} for ahead in range(LAST + 1)]
    chosen = {month_name[date.fromisoformat(day["date"]).month] for day in when.chosen(week, today)}
    return [month for month in report["typical"] if month["month"] in chosen]


def _month(month: dict[str, Any], degrees: str) -> str:
    high, low, rain = month["high"], month["low"], month["rain_days"]
    what = "rain or snow" if celsius(low, degrees) <= SNOWY else "rain"
    wet = f"{what} on about {rain} of {month['days_in_month']} days" if rain else "hardly any rain"
    return f"{month['month']} usually has {high} {degrees} by day and {low} {degrees} at night, with {wet}"


def _name(day: dict[str, Any], today: date, *, with_date: bool = False) -> str:
    """``today``, ``tomorrow`` or ``Saturday``; with its date where that helps."""
    that = date.fromisoformat(day["date"])
    ahead = (that - today).days
    near = {0: "today", 1: "tomorrow"}.get(ahead)
    if not with_date:
        return near or f"{that:%A}"
    return f"{near} ({_date(that)})" if near else _date(that)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _date(that: date) -> str:
    return f"{that:%A}, {that.day} {that:%B}"


def _text(sentences: Iterable[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
