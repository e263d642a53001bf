"""Which time is meant."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.weather.tokens import tokens
from assistants.weather.when import PRESENT, parse

FRIDAY = date(2026, 11, 20)


def days_meant(message: str, today: date = FRIDAY) -> list[int]:
    """How many days ahead the days are that are meant."""
    when = parse(tokens(message))
    assert when is not None
    forecast = [{"date": (today + timedelta(days=ahead)).isoformat()} for ahead in range(8)]
    return [(date.fromisoformat(day["date"]) - today).days for day in when.chosen(forecast[: when.days], today)]


@pytest.mark.parametrize(
    ("message", "ahead"),
    [
        ("tomorrow", [1]),
        ("what will tomorrow's weather be", [1]),
        ("tommorow in Oslo", [1]),
        ("today and tomorrow", [0, 1]),
        ("the day after tomorrow", [2]),
        ("tonight", [0]),
        ("on Friday", [0]),
        ("next Friday", [7]),
        ("on Saturday", [1]),
        ("on sat", [1]),
        ("this sunday", [2]),
        ("on Thursday", [6]),
        ("Saturday and Monday", [1, 3]),
        ("this weekend", [1, 2]),
        ("at the weekend", [1, 2]),
        ("next 3 days", [1, 2, 3]),
        ("for the next three days", [1, 2, 3]),
        ("the coming few days", [1, 2, 3]),
        ("a couple of days", [0, 1]),
        ("3-day forecast", [0, 1, 2]),
        ("5 day forecast", [0, 1, 2, 3, 4]),
        ("in 3 days", [3]),
        ("2 days from now", [2]),
        ("in a day", [1]),
        ("in a week", [7]),
        ("this week", [0, 1, 2, 3, 4, 5, 6]),
        ("weekly forecast", [0, 1, 2, 3, 4, 5, 6]),
        ("next week", [1, 2, 3, 4, 5, 6, 7]),
        ("10-day forecast", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("next 30 days", [1, 2, 3, 4, 5, 6, 7]),
        ("on 25 November", [5]),
        ("November 25th", [5]),
        ("25th of november", [5]),
        ("on the 24th", [4]),
        ("2026-11-22", [2]),
        ("25 December", []),
        ("2030-11-22", []),
        ("on the 19th", []),
    ],
)
def test_days_are_understood(message: str, ahead: list[int]) -> None:
    assert days_meant(message) == ahead


def test_a_weekend_that_has_begun_is_this_one() -> None:
    saturday, sunday = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)
    assert days_meant("this weekend", saturday) == [0, 1]
    assert days_meant("this weekend", sunday) == [0]
    assert days_meant("next weekend", sunday) == [6, 7]
    assert days_meant("next weekend", saturday) == [7]


@pytest.mark.parametrize("today", [FRIDAY + timedelta(days=offset) for offset in range(7)])
def test_every_weekday_is_within_reach(today: date) -> None:
    for offset in range(7):
        that = today + timedelta(days=offset)
        assert days_meant(f"on {that:%A}", today) == [offset]
        assert days_meant(f"next {that:%A}", today) == [offset or 7]


@pytest.mark.parametrize("message", ["now", "right now", "at the moment", "today", "this morning", "in the next hours"])
def test_now_is_now(message: str) -> None:
    assert parse(tokens(message)) == PRESENT


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("yesterday", "past"),
        ("last week", "past"),
        ("three days ago", "past"),
        ("in 10 days", "far"),
        ("in two weeks", "far"),
        ("next month", "far"),
        ("in 2027", "far"),
        ("this winter", "far"),
    ],
)
def test_what_is_out_of_reach_is_known_to_be(message: str, kind: str) -> None:
    when = parse(tokens(message))
    assert when is not None
    assert when.kind == kind


@pytest.mark.parametrize(
    ("message", "month"),
    [("in July", 7), ("July", 7), ("in may", 5), ("this March", 3), ("in sept", 9), ("next Jan", 1)],
)
def test_months_are_understood(message: str, month: int) -> None:
    when = parse(tokens(message))
    assert when is not None
    assert (when.kind, when.month) == ("month", month)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "London",
        "may I ask",
        "they march on",
        "the sun is out",
        "good morning",
        "one",
        "a day",
        "9999-99-99",
        "the 99th",
    ],
)
def test_other_words_are_no_time(message: str) -> None:
    assert parse(tokens(message)) is None


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    when = parse(tokens(text))
    assert when is None or 1 <= when.days <= 8


WORDS = (
    "in",
    "next",
    "3",
    "days",
    "a",
    "week",
    "on",
    "friday",
    "the",
    "25th",
    "november",
    "last",
    "of",
    "tomorrow",
    "day",
)


@given(st.lists(st.sampled_from(WORDS)))
def test_any_order_of_its_words_can_be_read(words: list[str]) -> None:
    when = parse(tokens(" ".join(words)))
    assert when is None or 1 <= when.days <= 8
