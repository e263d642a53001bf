"""Dates as people say them."""

from __future__ import annotations

from datetime import date
from typing import Final

_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def spoken_date(published: str) -> str:
    """``2026-05-03`` or ``2026-05-03T10:00:00Z`` as ``3 May 2026``; "undated" where there is none."""
    try:
        day = date.fromisoformat(published[:10])
    except ValueError:
        return "undated"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
