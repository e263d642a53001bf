"""Text into terms: two wordings of one thing meet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.terms import Terms

TERMS = Terms()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The ferries are crossing", "a ferry crossed"),
        ("Café Zürich", "cafe zurich"),
        ("the city's bridges", "city bridge"),
        ("3,100 loans in twelve days", "3100 loan 12 day"),
        ("O\u2019Brien", "obrien"),
        ("ＦＵＬＬ width", "full width"),
        ("Did the herring quota fall?", "herring quota falls"),
    ],
)
def test_two_wordings_have_the_same_terms(one: str, other: str) -> None:
    assert TERMS(one) == TERMS(other)


def test_what_only_asks_is_left_out() -> None:
    assert TERMS("Who was it, and when did they do that?") == []


def test_decimals_and_single_digits_are_facts() -> None:
    assert TERMS("6.4 million, 2\u20131") == ["6.4", "million", "2", "1"]


def test_languages_without_spaces_become_pairs() -> None:
    assert TERMS("東京タワー") == ["東京", "京タ", "タワ", "ワー"]


def test_another_language_has_its_own_endings() -> None:
    german = Terms("german")
    assert german("Brücken") == german("Brücke")
    assert german.everyday == frozenset()


def test_an_unknown_language_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"english.*got 'klingon'"):
        Terms("klingon")


@given(st.text(st.characters(), max_size=8_000))
def test_any_text_is_safe(text: str) -> None:
    assert all(TERMS(text))  # none is empty


@pytest.mark.parametrize(
    "text",
    ["\ud800" * 8_000, "'" * 8_000, "1," * 4_000, "a'" * 4_000, "\ufdfa" * 8_000, "東" * 8_000, "\u0301" * 8_000],
)
def test_strange_texts_take_no_time(text: str) -> None:
    started = time.perf_counter()
    TERMS(text)
    assert time.perf_counter() - started < 1


def test_threads_share_it() -> None:
    texts = [f"bridges crossing number {number} ferries" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(TERMS, texts))
    assert together == [TERMS(text) for text in texts]
