"""Which of several cities is the warmest, coldest, wettest, driest or windiest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from assistants.weather.advice import join
from assistants.weather.phrases import months_meant
from assistants.weather.question import Question
from assistants.weather.reports import Report
from assistants.weather.when import When


class _By(NamedTuple):
    than: str
    """"Rome is **warmer** than Oslo"."""
    of_all: str
    most: bool = True
    """Whether the highest figure wins."""


_BY: Final = {
    "warm": _By("warmer", "warmest"),
    "cold": _By("colder", "coldest", most=False),
    "wet": _By("wetter", "wettest"),
    "dry": _By("drier", "driest", most=False),
    "wind": _By("windier", "windiest"),
}


def compared(reports: Sequence[Report], question: Question) -> str:
    """The answer to «which is warmer?» with the figures of all cities; nothing where one of them is not known."""
    figures = [_figure(report, question) for report in reports]
    known = [(str(report.get("place")), found) for report, found in zip(reports, figures, strict=True) if found]
    by = _BY.get(question.compare)
    if by is None or len(known) < max(2, len(reports)):
        return ""
    (first, best), *rest = sorted(known, key=lambda each: each[1].value, reverse=by.most)
    others = [f"{figure.short} in {place}" for place, figure in rest]
    if best.value == rest[0][1].value:
        return f"There is hardly a difference{best.time}: {join([f'{best.told} in {first}', *others])}."
    usually = " usually" if best.time else ""
    wins = by.than if len(known) == 2 else f"the {by.of_all}"
    return f"{first} is{usually} {wins}{best.time}: {best.told}, against {join(others)}."


class _Figure(NamedTuple):
    """What a city is compared by: as a number, as it is told first, and then; and when that is so of typical values."""

    value: float
    told: str
    short: str
    time: str = ""


def _figure(report: Report, question: Question) -> _Figure | None:
    """None where nothing is known of it."""
    try:
        if "typical" in report:
            return _typical(report, question)
        return _live(report, _days(report, question.when), question.compare)
    except (KeyError, TypeError, ValueError):
        return None  # an error, or a value that the service left out


def _typical(report: Report, question: Question) -> _Figure | None:
    months = months_meant(report, question.when)
    if not months or question.compare == "wind":
        return None
    time = f" in {join([month['month'] for month in months])}"
    if question.compare in ("wet", "dry"):
        rainy = sum(month["rain_days"] for month in months) / sum(month["days_in_month"] for month in months)
        share = f"{round(100 * rainy)} %"
        return _Figure(rainy, f"rain on about {share} of the days", share, time)
    high = round(sum(month["high"] for month in months) / len(months))
    degrees = f"{high} {report['units']['temperature']}"
    return _Figure(high, f"{degrees} by day", degrees, time)


def _live(report: Report, days: Sequence[Report], compare: str) -> _Figure:
    units, up_to = report["units"], "up to " if days else ""
    if compare == "wind":
        speed = max(day["wind_speed"] for day in days or [report])
        told = f"{speed} {units['wind_speed']}"
        return _Figure(speed, f"wind {up_to}{told}", told)
    if compare in ("wet", "dry"):
        chance = max(day["rain_chance"] for day in days or [report["today"]])
        return _Figure(chance, f"{chance} % chance of rain", f"{chance} %")
    degrees = max(day["high"] for day in days) if days else report["temperature"]
    told = f"{degrees} {units['temperature']}"
    return _Figure(degrees, f"{up_to}{told}", told)


def _days(report: Report, when: When) -> list[Report]:
    """The days of a forecast that are meant; none where it is about now."""
    return when.chosen(report["days"], date.fromisoformat(report["today"])) if "days" in report else []
