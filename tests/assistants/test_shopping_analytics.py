"""Topics and durations, as the seed shows them."""

from __future__ import annotations

import pytest

from assistants.shopping.durations import short
from assistants.shopping.topics import WORD_CHARS, top_topics


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0s"),
        (45, "45s"),
        (59.9, "59s"),
        (60, "1m"),
        (180, "3m"),
        (3599, "59m"),
        (3600, "1h"),
        (4500, "1h 15m"),
        (86_399, "23h 59m"),
        (86_400, "1d"),
        (187_200, "2d 4h"),
        (-5, "0s"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    assert short(round(seconds * 1000)) == told


def test_the_topics_of_the_seed() -> None:
    messages = [
        "What smartphones do you have?",
        "Which smartphone has the best camera?",
        "Add the smartphone with the camera to my cart, please",
    ]
    assert top_topics(messages) == [{"word": "smartphone", "count": 3}, {"word": "camera", "count": 2}]


def test_plurals_count_together_and_small_words_not_at_all() -> None:
    messages = ["Batteries, a battery; BATTERY! watches watch headphones headphones 2024 5 x it's don't what's"]
    assert top_topics(messages) == [
        {"word": "battery", "count": 3},
        {"word": "headphones", "count": 2},
        {"word": "watch", "count": 2},
    ]


def test_topics_are_bounded() -> None:
    topics = top_topics([f"alpha{n:03} " * (n + 1) for n in range(50)] + ["w" * 5000])
    assert len(topics) == 10
    assert topics[0] == {"word": "alpha049", "count": 50}
    assert all(len(topic["word"]) <= WORD_CHARS for topic in top_topics(["w" * 5000]))
    assert top_topics([]) == []
    assert len(top_topics(["red green blue"], limit=2)) == 2


def test_other_languages_have_topics_too() -> None:
    assert top_topics(["телефон и телефон"])[0] == {"word": "телефон", "count": 2}
