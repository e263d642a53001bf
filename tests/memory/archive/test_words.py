"""Words, as search knows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.archive.words import WORD_LENGTH, marks, query, snippet, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, hello WORLD!", ["hello", "world"]),
        ("don't e-mail me@example.org", ["don", "t", "e", "mail", "me", "example", "org"]),
        ("snake_case v2.10", ["snake", "case", "v2", "10"]),
        ("Crème brûlée, Straße, ŁÓDŹ", ["creme", "brulee", "strasse", "łodz"]),
        ("e\u0301cole = école", ["ecole"]),
        ("今天 東京タワー", ["今", "天", "東", "京", "タ", "ワ", "ー"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("½ ﬁne ②", ["1", "2", "fine"]),
        ("😀 … — _ \x00", []),
        ("", []),
    ],
)
def test_a_text_is_taken_to_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(text=st.text(st.characters(max_codepoint=127)))
def test_plain_text_gives_the_same_words_on_the_quick_way(text: str) -> None:
    # A letter that is not ASCII takes the other way.
    assert set(words(f"{text} é")) == {*words(text), "e"}


@given(text=st.text())
def test_words_are_words_of_themselves(text: str) -> None:
    for word in words(text):
        assert len(word) <= WORD_LENGTH
        assert words(word) == [word]


@given(text=st.text(), searched=st.text(min_size=1))
def test_marks_are_in_order_and_inside_the_text(text: str, searched: str) -> None:
    asked = query(searched)
    if asked is None:
        return
    at = 0
    for start, end in marks(text, asked):
        assert at <= start < end <= len(text)
        at = end
    shown = snippet([text, searched], asked)
    assert all(0 <= start < end <= len(shown.text) for start, end in shown.marks)
    assert shown.marks


@given(text=st.text(st.sampled_from("abAB1 -_.")), searched=st.text(st.sampled_from("abAB1 -_."), min_size=1))
def test_plain_text_is_marked_the_same_on_the_quick_way(text: str, searched: str) -> None:
    asked = query(searched)
    if asked is not None:
        # A letter that is not ASCII takes the other way.
        assert marks(text, asked) == marks(f"{text} é", asked)


def test_words_beyond_reason_are_found_by_their_beginning() -> None:
    long = "x" * 100
    asked = query(f"{long} {long}")
    assert asked is not None

    assert marks(f"a {long} b", asked) == ((2, 102),)
    assert marks(f"é {long} b", asked) == ((2, 102),)


def test_a_query_has_an_end() -> None:
    asked = query("word " * 1_000 + "last")
    assert asked is not None
    assert len(asked.words) == 16


def test_a_snippet_of_a_text_without_spaces_is_cut_too() -> None:
    asked = query("天")
    assert asked is not None

    shown = snippet(["好" * 300 + "天" + "好" * 300], asked)

    assert len(shown.text) < 200
    assert [shown.text[start:end] for start, end in shown.marks] == ["天"]
