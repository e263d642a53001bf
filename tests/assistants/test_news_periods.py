"""The limits of time that a message names, on Friday, 20 November 2026."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.news.periods import period_in

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("message", "since", "until", "said"),
    [
        ("since Thursday", "2026-11-19", "2026-11-20", "since Thursday, 19 November 2026"),
        ("since yesterday", "2026-11-19", "2026-11-20", "since Thursday, 19 November 2026"),
        ("since august", "2026-08-01", "2026-11-20", "since 1 August 2026"),
        ("since 4 November", "2026-11-04", "2026-11-20", "since 4 November 2026"),
        ("last week", "2026-11-09", "2026-11-15", "from 9 to 15 November 2026"),
        ("the last week", "2026-11-13", "2026-11-20", "since 13 November 2026"),
        ("in the past three days", "2026-11-17", "2026-11-20", "since 17 November 2026"),
        ("last month", "2026-10-01", "2026-10-31", "from October 2026"),
        ("from December", "2025-12-01", "2025-12-31", "from December 2025"),
        ("in May 2025", "2025-05-01", "2025-05-31", "from May 2025"),
        ("last year", "2025-01-01", "2025-12-31", "from 2025"),
        ("on Friday", "2026-11-13", "2026-11-13", "from Friday, 13 November 2026"),
        ("today", "2026-11-20", "2026-11-20", "from today, 20 November 2026"),
        ("this week", "2026-11-16", "2026-11-20", "from this week"),
        ("before March", "0001-01-01", "2026-02-28", "before 1 March 2026"),
    ],
)
def test_a_period(message: str, since: str, until: str, said: str) -> None:
    period, rest = period_in(f"news {message}?", TODAY)

    assert period is not None
    assert (period.since.isoformat(), period.until.isoformat(), period.said) == (since, until, said)
    assert rest.split() == ["news", "?"]


@pytest.mark.parametrize("message", ["", "may I ask", "since 31 June", "the first mammoth", "in the marches"])
def test_no_period(message: str) -> None:
    assert period_in(message, TODAY) == (None, message)


@given(st.dates(), st.text(max_size=80), st.sampled_from(["since ", "last 9999 years", "before 1 January 0001", "in "]))
def test_any_message_is_read_on_any_day(today: date, message: str, begin: str) -> None:
    period, _ = period_in(f"{begin} {message}", today)
    assert period is None or period.said


@given(
    st.dates(), st.sampled_from(["since last month", "last year", "before 1 January 0001", "on 29 February", "today"])
)
def test_no_day_is_beyond_the_calendar(today: date, message: str) -> None:
    period, _ = period_in(message, today)
    assert period is None or period.since <= today
