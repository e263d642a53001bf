"""Sums are worked out exactly, and within bounds."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.chat.arithmetic import NoResult, NoSum, work_out


@pytest.mark.parametrize(
    ("asked", "understood", "value"),
    [
        ("2+2", "2 + 2", "4"),
        ("What is 12 * (3 + 4)?", "12 × (3 + 4)", "84"),
        ("what's seven times eight", "7 × 8", "56"),
        ("7 plus 5 times 2", "7 + 5 × 2", "17"),
        ("10 - 3 - 2", "10 − 3 − 2", "5"),
        ("0.1 + 0.2", "0.1 + 0.2", "0.3"),
        ("-5 + 3", "−5 + 3", "−2"),
        ("2 ** 3 ** 2", "2^3^2", "512"),
        ("-2^2", "−2^2", "−4"),
        ("12 squared", "12^2", "144"),
        ("square root of 144", "√144", "12"),
        ("80 + 10%", "80 + 10%", "88"),
        ("80 - 25%", "80 − 25%", "60"),
        ("50% * 3", "50% × 3", "1.5"),
        ("10 % 3", "10 mod 3", "1"),
        ("2(3+4)", "2 × (3 + 4)", "14"),
        ("5!", "5!", "120"),
        ("1,000 × 3", "1000 × 3", "3,000"),
        ("how much is 100 minus 5.5 please?", "100 − 5.5", "94.5"),
        ("a hundred divided by eight", "100 ÷ 8", "12.5"),
        ("Can you tell me what 3*4 is?", "3 × 4", "12"),
        ("2^64", "2^64", "18,446,744,073,709,551,616"),
        ("1 / 8", "1 ÷ 8", "0.125"),
        ("√(9/4)", "√(9 ÷ 4)", "1.5"),
    ],
)
def test_a_sum_is_understood_and_exact(asked: str, understood: str, value: str) -> None:
    result = work_out(asked)

    assert (result.sum, result.value, result.exact) == (understood, value, True)


@pytest.mark.parametrize(
    ("asked", "value"),
    [("1/3", "0.3333333333"), ("2^0.5", "1.414213562"), ("pi * 2", "6.283185307"), ("2/3*10^20", "6.666666667e+19")],
)
def test_a_result_that_is_rounded_says_so(asked: str, value: str) -> None:
    result = work_out(asked)

    assert (result.value, result.exact) == (value, False)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "",
            "hello",
            "5",
            "-5",
            "what is 5",
            "2026-11-20",
            "20/11/2026",
            "555-123-4567",
            "2 times",
            "(((1",
            "1 +",
            "C++",
        ),
        *("what is the meaning of life", "__import__('os')", "2; import os", "1e400", "x = 5", "I have 2 cats + 1 dog"),
        "1+" * 200 + "1",
    ],
)
def test_what_is_no_sum_is_none(said: str) -> None:
    with pytest.raises(NoSum):
        work_out(said)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("5/0", "divided by zero"),
        ("5 mod 0", "divided by zero"),
        ("0^-1", "divided by zero"),
        ("9^9^9", "too large"),
        ("10^61", "too large"),
        ("99999999999999999999^99", "too large"),
        ("200!", "too large"),
        ("10^50 ^ 0.5 * 10^50 * 10^50", "too large"),
        ("√-4", "negative"),
        ("(-8)^0.5", "negative"),
        ("0.5!", "whole numbers"),
        ("(" * 40 + "1+1" + ")" * 40, "brackets"),
        ("-" * 60 + "1 + 1", "signs"),
    ],
)
def test_a_sum_without_a_result_says_why(asked: str, why: str) -> None:
    with pytest.raises(NoResult, match=why):
        work_out(asked)


@given(st.text("0123456789+-*/^%()!. √π", min_size=1, max_size=200))
def test_nothing_takes_long_or_fails_otherwise(asked: str) -> None:
    started = time.perf_counter()
    with suppress(NoSum, NoResult):
        assert work_out(asked).value
    assert time.perf_counter() - started < 1


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_whole_numbers_are_as_python_has_them(one: int, other: int, operator: str) -> None:
    expected = {"+": one + other, "-": one - other, "*": one * other}[operator]

    assert work_out(f"{one} {operator} {other}").value == f"{expected:,}".replace("-", "−")


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_division_is_right_to_the_last_digit_shown(one: int, other: int) -> None:
    value = Fraction(work_out(f"{one} / {other}").value.replace(",", ""))

    assert math.isclose(value, Fraction(one, other), rel_tol=1e-9)
