"""Questions of the calendar, asked on Friday, 20 November 2026, at 10:30 UTC."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.chat.dates import answer
from tests.assistants.chat_conversation import NOW


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("What time is it?", "It is **10:30 UTC** on Friday, 20 November 2026."),
        ("what's the date today", "Today is **Friday, 20 November 2026**."),
        ("What day is it?", "Today is **Friday, 20 November 2026**."),
        ("what day is tomorrow", "Tomorrow is **Saturday, 21 November 2026**."),
        ("What day was yesterday?", "Yesterday was **Thursday, 19 November 2026**."),
        ("what day is the day after tomorrow", "The day after tomorrow is **Sunday, 22 November 2026**."),
        ("What day of the week was 4 July 1976?", "4 July 1976 was a **Sunday**."),
        ("what day was July 4th, 1976", "4 July 1976 was a **Sunday**."),
        ("what day is 2028-02-29", "29 February 2028 is a **Tuesday**."),
        ("What day is 29 February?", "29 February 2028 is a **Tuesday**."),
        ("What day is Christmas?", "25 December 2026 is a **Friday**."),
        ("What day is it in 100 days?", "In 100 days it will be **Sunday, 28 February 2027**."),
        ("what was the date 10 days ago", "10 days ago it was **Tuesday, 10 November 2026**."),
        ("what date is three months from today?", "In 3 months it will be **Saturday, 20 February 2027**."),
        ("what day is it in 99999 years", "That is beyond my calendar, which goes from the year 1 to 9999."),
        ("what date is next Friday", "The next Friday is **27 November 2026**."),
        ("what day was last monday?", "Last Monday was **16 November 2026**."),
        ("how many days until Christmas", "**35 days** (5 weeks) until Friday, 25 December 2026."),
        ("how long until tomorrow's 21 november", "**1 day** until Saturday, 21 November 2026."),
        ("how long until 20 November?", "That is today, Friday, 20 November 2026!"),
        (
            "how many days since 2026-01-01",
            "**323 days** (46 weeks and 1 day) since Thursday, 1 January 2026.",
        ),
        ("Is 2028 a leap year?", "Yes, **2028** is a leap year: its February has 29 days."),
        ("is 1900 a leap year", "No, **1900** is not a leap year. The next one after it is 1904."),
        ("which year is it", "It is **2026**."),
        ("what month is it?", "It is **November 2026**."),
        ("what week is it", "It is **week 47 of 2026**."),
        ("what day is 2026-02-30", "There is no such day in the calendar."),
        ("how many days until 31 June?", "There is no such day in the calendar."),
        (
            "What time is it in Tokyo?",
            "I only know the time in UTC, where it is **10:30** now; I can't tell what that makes in Tokyo.",
        ),
    ],
)
def test_a_question_of_the_calendar(asked: str, told: str) -> None:
    assert answer(asked, NOW) == told


@pytest.mark.parametrize("said", ["", "hello", "I had a great time", "how long do you keep my chats until they go?"])
def test_other_things_are_none(said: str) -> None:
    assert answer(said, NOW) is None


@given(st.dates(date(1583, 1, 1), date(9998, 12, 31)))
def test_every_day_has_its_weekday(day: date) -> None:
    told = answer(f"What day of the week is {day.day} {day:%B} {day.year:04d}?", NOW)

    assert told is not None
    assert f"{day:%A}" in told


@given(
    st.integers(0, 220_000_000_000_000),
    st.sampled_from(["29 February", "1 January", "31 December"]),
)
def test_the_next_such_day_is_always_found(now: int, day: str) -> None:
    told = answer(f"how many days until {day}", now)

    assert told is not None
    assert " until " in told or "That is today" in told
